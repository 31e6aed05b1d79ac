"""The log of a run."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from rich.console import Console

from drivesim.rl.progress import RunLog

RECORD = {"step": 100, "steps_per_s": 50.0, "mean_return": 1.5, "mean_length": None}


@pytest.fixture(autouse=True)
def _without_tensorboard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)


def steps(directory: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (directory / "log.jsonl").read_text().splitlines()]


def test_each_record_is_a_line_of_json(tmp_path: Path) -> None:
    with RunLog(tmp_path, 0, 1000, None) as log:
        log.advance(50)
        log.write(RECORD)
    assert json.loads((tmp_path / "log.jsonl").read_text()) == RECORD
    assert not (tmp_path / "tensorboard").exists()


def test_a_resumed_log_drops_what_came_after_the_checkpoint(tmp_path: Path) -> None:
    with RunLog(tmp_path, 0, 1000, None) as log:
        for step in (100, 200, 300):
            log.write({**RECORD, "step": step})
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"step": 40')
    with RunLog(tmp_path, 200, 1000, None) as log:
        log.write({**RECORD, "step": 250})
    assert steps(tmp_path) == [100, 200, 250]


def test_without_a_terminal_each_record_is_a_line_with_rate_and_time_left(tmp_path: Path) -> None:
    output = io.StringIO()
    with RunLog(tmp_path, 0, 6100, Console(file=output, width=120)) as log:
        log.write(RECORD)
    assert output.getvalue() == "100 of 6,100 steps, 50 steps/s, return 1.50, 2.0 min left\n"


def test_a_replay_in_refilling_is_told_instead_of_a_rate(tmp_path: Path) -> None:
    output = io.StringIO()
    with RunLog(tmp_path, 0, 6100, Console(file=output, width=120)) as log:
        log.write({**RECORD, "steps_per_s": 0.0, "frames_missing": 1234})
    assert (
        output.getvalue() == "100 of 6,100 steps, refilling the replay, 1,234 frames missing, return 1.50\n"
    )


def test_a_terminal_shows_a_bar(tmp_path: Path) -> None:
    output = io.StringIO()
    with RunLog(tmp_path, 0, 200, Console(file=output, width=120, force_terminal=True)) as log:
        log.advance(100)
        log.write({**RECORD, "mean_return": None})
    assert "100 of 200 steps 50 steps/s, return -" in output.getvalue()


@pytest.mark.slow
def test_tensorboard_gets_the_numbers_when_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorboard")
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard")
    with RunLog(tmp_path, 0, 1000, None) as log:
        log.write(RECORD)
    (file,) = (tmp_path / "tensorboard").iterdir()
    content = file.read_bytes()
    assert b"mean_return" in content
    assert b"mean_length" not in content
