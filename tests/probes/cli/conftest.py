"""A shipped agent's tiny state set, state model and findings, made once for all tests that need them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from probes.cli import main
from tests.probes.game_agents import write_game_agent


@dataclass(frozen=True)
class Tiny:
    """Where the artifacts lie."""

    states: Path
    model: Path
    agent: Path | None = None
    """The shipped one unless given."""

    @property
    def given(self) -> list[str]:
        """The options that name them."""
        agent = [] if self.agent is None else ["--agent", str(self.agent)]
        return [*agent, "--states", str(self.states), "--model", str(self.model), "--threads", "1"]

    def search(self, output: Path, *more: str) -> list[str]:
        """The arguments of a search that takes seconds."""
        small = ["--chains", "2", "--steps", "2", "--real-states", "6"]
        return ["search", *more, *self.given, *small, "--json", "-o", str(output)]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Collect and fit."""
    folder = tmp_path_factory.mktemp("tiny")
    made = Tiny(folder / "states", folder / "model")
    few = ["--fit-states", "24", "--held-out-states", "12", "--worlds", "4", "--spacing", "2"]
    assert main(["collect", *few, "--threads", "1", "-o", str(made.states)]) == 0
    fitted = ["--iterations", "2", "--threads", "1", "-o", str(made.model)]
    assert main(["fit", str(made.states), *fitted]) == 0
    return made


@pytest.fixture(scope="session")
def tiny_game(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Collect and fit likewise, of a game and an agent that has learned nothing."""
    pytest.importorskip("ale_py")
    folder = tmp_path_factory.mktemp("tiny-game")
    made = Tiny(folder / "states", folder / "model", write_game_agent(folder / "new"))
    agent = ["--agent", str(made.agent), "--threads", "1"]
    few = ["--fit-states", "24", "--held-out-states", "12", "--worlds", "4", "--spacing", "2"]
    few += ["--held-out-spacing", "2"]  # two worlds begin alike: by any, the two highest states may be twins
    assert main(["collect", *agent, *few, "-o", str(made.states)]) == 0
    fitted = ["--iterations", "2", "-o", str(made.model)]
    assert main(["fit", str(made.states), *agent, *fitted]) == 0
    return made


@pytest.fixture(scope="session")
def searched_game(tiny_game: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Search the game for T-; return the directory of its findings."""
    folder = tmp_path_factory.mktemp("game-findings")
    assert main(tiny_game.search(folder, "T-")) == 0
    return folder / "t-minus"


@pytest.fixture(scope="session")
def searched(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Search for T± by the tiny state model; return the directory of its findings."""
    folder = tmp_path_factory.mktemp("findings")
    assert main(tiny.search(folder, "T+-")) == 0
    return folder / "t-plus-minus"


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return what a command printed as JSON."""
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found
