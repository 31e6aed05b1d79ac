from __future__ import annotations

from pathlib import Path

import pytest

from probes.agent import ProbeError
from probes.artifacts.payload import read_json
from probes.cli import MISUSE, main
from probes.cli import gallery as command
from probes.cli.gallery import by_game, fitting_entry, playing_agent
from probes.report.contract import load_study
from tests.probes.cli.conftest import Tiny, told
from tests.probes.game_agents import write_game_agent

GAMES = ("pong", "freeway", "ms_pacman")


@pytest.fixture(autouse=True)
def _nothing_shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no agent and no state model be shipped, whatever is."""
    pytest.importorskip("ale_py")
    for name in ("shipped_agents", "shipped_models"):
        monkeypatch.setattr(command, name, list)


@pytest.mark.slow
def test_a_game_is_shown_and_the_others_are_named(
    tiny_game: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("probes.domains.gallery.FIT_STATES", 6)
    monkeypatch.setattr("probes.domains.gallery.HELD_OUT_STATES", 12)
    arguments = ["gallery", "--agents", f"Freeway={tiny_game.agent}", f"pong={tmp_path / 'pong'}"]
    arguments += ["--models", f"freeway={tiny_game.model}", "--chains", "5", "--steps", "2"]
    arguments += ["--threads", "1", "--json", "-o", str(tmp_path / "g")]
    write_game_agent(tmp_path / "pong", game="pong")
    assert main(arguments) == 0
    first = told(capsys)
    assert first["games"] == ["freeway"]
    assert len(first["skipped"]) == 42
    assert "no state model" in first["skipped"]["pong"]
    assert "no agent" in first["skipped"]["seaquest"]
    assert first["shown states that pass the checks"]["n"] == 4
    (figure,) = read_json(tmp_path / "g" / "gallery.json")["figures"]
    assert figure["figure"] == "31"
    assert len({row["chain"] for row in figure["shown"]}) == 4
    page = tmp_path / "g" / "gallery.html"
    html = page.read_text()
    assert "Fig. 31: Freeway, T+" in html
    assert "Wizard Of Wor" in html
    written = page.stat().st_mtime_ns
    assert main(arguments) == 0
    again = capsys.readouterr()
    assert again.err.count("up to date") == 3  # the states, the findings, the page
    assert "skipped, for want of a state model: pong\n" in again.err
    assert page.stat().st_mtime_ns == written
    assert len(load_study(tmp_path / "g").sections) == 2


def test_nothing_to_show_is_told_with_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gallery", "-o", str(tmp_path)]) == MISUSE
    assert "of kung_fu_master, for one, no agent is shipped; train one by" in capsys.readouterr().err
    agent = write_game_agent(tmp_path / "new")
    assert main(["gallery", "--agents", f"freeway={agent}", "-o", str(tmp_path)]) == MISUSE
    assert "of freeway, for one, no state model is shipped" in capsys.readouterr().err


def test_games_are_spelled_in_any_way() -> None:
    given = ["ALE/Pong-v5=a=b", "MsPacman=c"]
    assert by_game("--agents", given, GAMES) == {"pong": "a=b", "ms_pacman": "c"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["pong"], "--models: found 'pong', allowed is a game and a value, such as pong="),
        (["=a"], "found '=a'"),
        (["pong="], "found 'pong='"),
        (["ponk=a"], "--models: no Atari game 'ponk'.*did you mean 'pong'"),
        (["zaxxon=a"], "found 'zaxxon', in no figure of the paper; allowed are pong, freeway, ms_pacman"),
        (["pong=a", "Pong=b"], "found pong twice, 'a' and 'b'"),
    ],
)
def test_what_is_no_game_of_the_paper_is_refused(given: list[str], message: str) -> None:
    with pytest.raises(ProbeError, match=message):
        by_game("--models", given, GAMES)


def test_an_agent_must_play_its_game(tmp_path: Path) -> None:
    agent = write_game_agent(tmp_path / "new")
    assert playing_agent("freeway", str(agent)).game == "freeway"
    with pytest.raises(ProbeError, match=r"--agents pong=.*plays freeway; allowed is one that plays pong"):
        playing_agent("pong", str(agent))
    with pytest.raises(ProbeError, match="this agent drives; allowed is one that plays pong"):
        playing_agent("pong", "reasonable-seg4")


def test_states_and_models_must_be_of_the_game(tiny_game: Tiny, tiny: Tiny) -> None:
    name, model = str(tiny_game.agent), str(tiny_game.model)
    agent = playing_agent("freeway", name)
    entry = fitting_entry("freeway", name, model, str(tiny_game.states), agent)
    assert entry.states == tiny_game.states
    assert fitting_entry("freeway", name, model, None, agent).states is None
    with pytest.raises(ProbeError, match="these are states of reasonable; allowed are those of freeway"):
        fitting_entry("freeway", name, model, str(tiny.states), agent)
    with pytest.raises(ProbeError, match="this state model makes states of"):
        fitting_entry("freeway", name, str(tiny.model), None, agent)
