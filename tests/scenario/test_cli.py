"""`drivesim scenario ...`: what is printed and the exit status."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from drivesim.scenario.cli import INVALID, add_parser


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers(required=True))
    args = parser.parse_args(["scenario", *arguments])
    return int(args.func(args))


def test_list_shows_each_shipped_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list") == 0
    assert len(capsys.readouterr().out.splitlines()) == 7
    assert run("list", "--json") == 0
    assert {"reasonable", "distracted"} <= {row["name"] for row in json.loads(capsys.readouterr().out)}


def test_check_accepts_all_shipped_scenarios(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", "reasonable", "distracted") == 0
    assert capsys.readouterr().out == "reasonable: ok\ndistracted: ok\n"


def test_check_prints_all_errors_one_a_line_and_exits_with_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("name: bad\nstack: 99\nmap:\n  lane_widht: 3\n")
    assert run("check", "reasonable", str(path)) == INVALID == 3
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "reasonable: ok"
    assert lines[1] == f"{path}:2:8  stack  found 99; allowed: a whole number from 1 to 16"
    assert lines[2].startswith(f"{path}:4:3  map.lane_widht  unknown key; allowed: block_length, ")
    assert lines[2].endswith("; nearest: lane_width")
    assert len(lines) == 3


def test_check_speaks_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("name: bad\nstack: 99\n")
    assert run("check", "--json", str(path)) == 3
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["file"], row["line"], row["column"], row["path"]) == (str(path), 2, 8, "stack")


def test_diff_prints_paths_with_both_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text("name: a\n")
    second.write_text("name: b\ncars: {count: 0}\n")
    assert run("diff", str(first), str(second)) == 0
    assert capsys.readouterr().out == "cars.count: 8.0 -> 0.0\n"
    assert run("diff", str(first), str(second), "--json") == 0
    assert json.loads(capsys.readouterr().out) == [{"path": "cars.count", "before": 8.0, "after": 0.0}]


def test_diff_of_a_bad_file_exits_with_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("diff", "reasonable", "resonable") == 3
    assert "nearest: reasonable" in capsys.readouterr().err


def test_schema_prints_the_json_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("schema") == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Scenario"
