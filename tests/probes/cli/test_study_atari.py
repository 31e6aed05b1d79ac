from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest

from probes.cli import MISUSE, main
from probes.domains.atari_consoles import ConsoleConfig
from probes.domains.atari_simulation import AtariSimulation
from probes.domains.atari_study import PRESETS, Amounts
from probes.domains.model_records import Record
from probes.domains.study_steps import SearchAmounts
from probes.report.contract import SourceRef, load_study
from tests.probes.cli.conftest import Tiny, told
from tests.probes.domains.shelves import goggles, number

FEW = Amounts(SearchAmounts(110, 12, 12, 2, 2), 8, 4, 2, 1, 1, 1)  # two of some episodes, to group by


@pytest.mark.slow
def test_a_game_is_studied_by_the_same_stages(
    tiny_game: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PRESETS, "smoke", FEW)
    brief = partial(AtariSimulation, ConsoleConfig("freeway", max_frames=24))
    monkeypatch.setattr("probes.cli.goggles.simulation_factory", lambda *_: brief)
    arguments = ["study", "atari", "--game", "Freeway", "--agent", str(tiny_game.agent)]
    arguments += ["--models", f"crisp={tiny_game.model}", "--threads", "1", "--json"]
    assert main([*arguments, "-o", str(tmp_path / "s")]) == 0
    first = told(capsys)
    assert first["score of the agent"].keys() == {"value", "low", "high", "n"}
    study = load_study(tmp_path / "s")
    assert [section.id for section in study.sections] == [
        "question",
        "findings",
        "clusters",
        "objective",
        "model",
        "measures",
        "baselines",
    ]
    page = (tmp_path / "s" / "report.html").read_text()
    for section in study.sections:
        assert section.title in page
    assert "Freeway" in study.title
    # A state model that brings a record of the goggles is not played through again.
    known = Record(goggles(), SourceRef("goggles", "ab" * 32, "probes goggles of old", shipped=True), "")
    for module in ("probes.cli.study", "probes.domains.atari_pages"):
        monkeypatch.setattr(f"{module}.records", lambda *_: [known])
    shutil.rmtree(tmp_path / "s" / "goggles")
    assert main([*arguments, "-o", str(tmp_path / "s")]) == 0
    assert told(capsys)["score of the agent"] == number(12.0, 20)
    assert not (tmp_path / "s" / "goggles").exists()


def test_a_game_must_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", "atari", "-o", str(tmp_path)]) == MISUSE
    assert "name one by --game" in capsys.readouterr().err
    assert main(["study", "driving", "--game", "pong", "-o", str(tmp_path)]) == MISUSE
    assert "a game is of `probes study atari`" in capsys.readouterr().err
