import json
import sys
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks.row import Row
from probes.domains.atari import emulator


def test_an_unknown_row_is_refused_with_those_that_are_known(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["render"])
    message = capsys.readouterr().err
    assert "'render'" in message
    assert "render-128" in message


def test_the_rows_asked_for_are_printed_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measured: list[tuple[str, str]] = []
    kept: list[list[int]] = []

    def run(name: str, device: str) -> Row:
        measured.append((name, device))
        return Row(name, "ms", 0.25, "less than 2 ms", True, floor=0.125, ratio_floor=2.0)

    monkeypatch.setattr(command, "run_alone", run)
    monkeypatch.setattr(command, "choose_cores", lambda _, count: [4, 5, 6][:count])
    monkeypatch.setattr(command, "keep_to_cores", kept.append)
    assert command.main(["reset", "probe-fit", "--json", str(tmp_path / "rows.json")]) == 0
    assert measured == [("reset", "cpu"), ("probe-fit", "cpu")]
    assert kept == [[4], [4, 5]]
    written = json.loads((tmp_path / "rows.json").read_text())
    assert [row["row"] for row in written] == ["reset", "probe-fit"]
    assert "0.25 ms" in capsys.readouterr().out


def test_atari_rows_without_the_emulator_are_refused_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    emulator.cache_clear()
    monkeypatch.setitem(sys.modules, "ale_py", None)
    with pytest.raises(SystemExit):
        command.main(["reset", "atari-dqn"])
    assert "pip install 'drivesim[atari]'" in capsys.readouterr().err


def test_a_gpu_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(SystemExit):
        command.main(["probe-fit", "--device", "cuda"])
    assert "available is cpu" in capsys.readouterr().err
