from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from probes.domains.atari_games import GameFigure, load_games
from probes.domains.gallery import Entry, GalleryConfig
from probes.domains.gallery_pages import LOST, Plate, figure_section, tell
from probes.report.contract import Number, Stacks, Text
from probes.synthesis.findings import load_findings, write_findings
from tests.probes.domains.shelves import ship_model
from tests.probes.searched import made_up
from tests.probes.toy_sets import toy_subject

GAMES = load_games()
(OXYGEN,) = (figure for figure in GAMES.figures if figure.figure == "1h")
(PLAIN,) = (figure for figure in GAMES.figures if figure.figure == "13")
FAILING = (1, 3)
"""Of the four findings, J 50, 120, 99.5, 120, each a chain of its own; the second and the last fail."""


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Findings of four chains, one draw each."""
    place = tmp_path_factory.mktemp("gallery")
    subject, searched = toy_subject(place / "states"), made_up()
    finding = replace(searched.finding, mu=searched.finding.z, seeds=np.arange(4, dtype=np.uint64))
    finding = replace(finding, objective_mean=finding.objective, stored_mean=finding.stored)
    model = ship_model(place, "model", {})
    parents = {"states": place / "states", "model": model}
    write_findings(place / "f", subject, replace(searched, finding=finding), {}, parents)
    return place


def plate(directory: Path, figure: GameFigure, chains: tuple[int, ...]) -> Plate:
    return Plate(figure, load_findings(directory / "f"), chains)


def test_the_chains_that_were_drawn_are_shown_and_not_the_best(directory: Path) -> None:
    shown = plate(directory, PLAIN, (0, 2))
    assert [row["objective"] for row in shown.rows] == [50.0, 99.5]
    assert shown.limit == 99.0  # of 0, 1, ..., 100
    assert [row["beyond_99"] for row in shown.rows] == [False, True]
    assert tuple(shown.findings.order[:2]) == (2, 0)
    (stacks,) = (item for item in figure_section(shown, directory).items if isinstance(item, Stacks))
    assert stacks.indices == (0, 2)
    assert stacks.caption == "2 of 4 chains, drawn at random: numbers 0, 2"
    assert stacks.labels == (
        "J 50, not above 99% of recorded; best action: brake",
        "J 99.5, above 99% of recorded; best action: brake",
    )
    assert "at most 99 in 99% of recorded states" in stacks.look_for
    assert (stacks.file, stacks.source.path) == ("f/stored.npy", "f")


def test_a_state_that_fails_is_shown_and_marked(directory: Path) -> None:
    items = figure_section(plate(directory, PLAIN, FAILING), directory).items
    (stacks,) = (item for item in items if isinstance(item, Stacks))
    assert stacks.labels[1] == (
        "J 120, above 99% of recorded; best action: brake;"
        " fails: its chain is less probable than recorded states"
    )
    passing, beyond = (item.estimate for item in items if isinstance(item, Number))
    assert not isinstance(passing, float | int)
    assert not isinstance(beyond, float | int)
    assert (passing.value, passing.n, beyond.value, beyond.n) == (0.5, 4, 0.75, 4)


def test_a_figure_tells_the_caption_and_what_the_paper_saw(directory: Path) -> None:
    section = figure_section(plate(directory, OXYGEN, (0,)), directory)
    assert section.id == "figure-1h"
    assert section.title == "Fig. 1h: Seaquest, T"
    assert section.lead == (
        "The paper's caption names T. The target looks for bad states. In the paper one sees: out of oxygen."
    )
    (text,) = (item.text for item in section.items if isinstance(item, Text))
    assert text.startswith("Why T- here: the transcript lost the sign")
    plain = figure_section(plate(directory, PLAIN, (0,)), directory)
    assert "one sees" not in plain.lead
    assert not [item for item in plain.items if isinstance(item, Text)]


def test_figures_are_told_and_the_missing_ones_with_their_reasons(directory: Path) -> None:
    lacking = dict.fromkeys((game for game in GAMES.games if game != "asterix"), "no agent")
    config = GalleryConfig(GAMES, {"asterix": Entry("a", "m")}, lacking, seed=3)
    shown = plate(directory, PLAIN, (0, 1))
    told = tell(config, (shown,))
    assert (told["chains"], told["steps"], told["seed"]) == (16, 300, 3)
    (one,) = told["figures"]
    assert (one["figure"], one["game"], one["caption"], one["target"]) == ("13", "asterix", "T-", "T-")
    assert one["used"] == "V-"
    assert one["findings"] == {
        "path": "asterix/findings/t-minus",
        "digest": shown.findings.manifest.digest,
    }
    assert one["recorded_99"] == 99.0
    assert [(row["chain"], row["objective"], row["passes"]) for row in one["shown"]] == [
        (0, 50.0, True),
        (1, 120.0, False),
    ]
    assert one["shown"][1]["failed"] == ["picture_kl", "agreement"]
    assert len(told["skipped"]) == 51 + 2
    assert told["skipped"][0]["reason"] == "no agent"
    assert told["skipped"][-2:] == [
        {"figure": "34", "reason": LOST},
        {"figure": "35", "reason": LOST},
    ]
