from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from drivesim.render.semantics import NUM_CLASSES
from probes.cli import main
from probes.cli.report import DRIVING, GAMES, choose_painter
from probes.report.contract import Section, SourceRef, Stacks, Study, save_study
from probes.report.page import read_run
from probes.states import Plane, StateLayout

LAYOUT = StateLayout((Plane("semantic", "class", NUM_CLASSES),), stack=2, height=8, width=8)
SOURCE = SourceRef("findings", "ab" * 32, "probes search", shipped=True)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    np.save(tmp_path / "stored.npy", np.arange(2 * 64, dtype=np.uint8).reshape(1, 2, 1, 8, 8) % NUM_CLASSES)
    stacks = Stacks("a", "b", "stored.npy", LAYOUT, (0,), SOURCE)
    section = Section("findings", "Findings", "Drawn.", (stacks,))
    study = Study("A study", "2025", "probes study", "smoke", "a", "b", "c", (), (), (section,))
    save_study(study, tmp_path)
    return tmp_path


def test_a_page_is_written_beside_the_study(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(run), "--json"]) == 0

    printed = json.loads(capsys.readouterr().out)
    assert printed["path"] == str(run / "report.html")
    assert printed["studies"] == [{"title": "A study", "headlines": {}}]
    assert printed["bytes"] == (run / "report.html").stat().st_size


def test_a_page_of_the_same_study_is_not_written_again(run: Path, tmp_path: Path) -> None:
    page = tmp_path / "elsewhere" / "page.html"
    main(["report", str(run), "-o", str(page)])
    before = page.stat().st_ino

    main(["report", str(run), "-o", str(page)])

    assert page.stat().st_ino == before


def test_a_missing_study_is_a_misuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path / "none")]) == 2

    assert "study.json: cannot be read" in capsys.readouterr().err


def test_the_legend_names_every_class() -> None:
    assert len(DRIVING.legend) == NUM_CLASSES
    assert dict(DRIVING.legend)["person"] == (240, 228, 66)


def test_the_classes_colours_are_left_out_where_only_games_are_shown(run: Path) -> None:
    shown = read_run(run)
    assert choose_painter([shown]) is DRIVING
    layout = StateLayout((Plane("colour", "level", 3),), stack=2, height=8, width=8)
    section = Section("findings", "Findings", "Drawn.", (Stacks("a", "b", "s.npy", layout, (0,), SOURCE),))
    game = replace(shown, study=replace(shown.study, sections=(section,)))
    assert choose_painter([game]) is GAMES
    assert choose_painter([game, shown]) is DRIVING
