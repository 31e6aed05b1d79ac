import json
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks.row import Row


def test_an_unknown_row_is_refused_with_those_that_are_known(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["render"])
    message = capsys.readouterr().err
    assert "'render'" in message
    assert "render-128" in message


def test_the_rows_asked_for_are_printed_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measured: list[str] = []

    def run(name: str) -> Row:
        measured.append(name)
        return Row(name, "ms", 0.25, "less than 2 ms", True, floor=0.125, ratio_floor=2.0)

    monkeypatch.setattr(command, "run_alone", run)
    monkeypatch.setattr(command, "keep_to_one_core", lambda core: core)
    assert command.main(["reset", "memory", "--json", str(tmp_path / "rows.json")]) == 0
    assert measured == ["reset", "memory"]
    written = json.loads((tmp_path / "rows.json").read_text())
    assert [row["row"] for row in written] == ["reset", "memory"]
    assert "0.25 ms" in capsys.readouterr().out
