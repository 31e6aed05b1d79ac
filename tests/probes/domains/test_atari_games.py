from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from probes.agent import ProbeError
from probes.domains.atari import action_names
from probes.domains.atari_games import ACTIONS, FIGURES, SHIPPED, load_games


def edited(tmp_path: Path, edit: Callable[[str], str]) -> Path:
    text = SHIPPED.read_text(encoding="utf-8")
    changed = edit(text)
    assert changed != text
    path = tmp_path / "games.yaml"
    path.write_text(changed, encoding="utf-8")
    return path


def test_all_panels_and_all_captions_but_two_are_told() -> None:
    games = load_games()
    assert len(FIGURES) == 9 + 45
    assert games.lost == ("34", "35")
    assert [figure.figure for figure in games.figures] == [f for f in FIGURES if f not in games.lost]
    assert sum(figure.figure[:1] == "1" and len(figure.figure) == 2 for figure in games.figures[:9]) == 9
    assert len(games.games) == 43
    assert {"pong", "atlantis", "qbert", "boxing", "seaquest", "freeway"} <= set(games.games)


def test_captions_and_targets_are_those_of_the_paper() -> None:
    told = {figure.figure: figure for figure in load_games().figures}
    captions = {number: (told[number].game, told[number].caption) for number in ("9", "14", "25", "46", "53")}
    assert captions == {
        "9": ("air_raid", "S+"),
        "14": ("asteroids", "up-fire"),
        "25": ("centipede", "T±"),
        "46": ("qbert", "left"),
        "53": ("wizard_of_wor", "left"),
    }
    assert (told["14"].target, told["14"].action) == ("action:upfire", "upfire")
    assert (told["25"].target, told["25"].action) == ("T±", None)
    assert told["44"].target == "action:noop"
    assert told["1i"].target == "action:left"
    assert [figure.figure for figure in told.values() if figure.note] == ["1c", "1h"]


def test_a_target_is_its_caption_but_where_a_note_says_why_not() -> None:
    for figure in load_games().figures:
        spelled = figure.caption.lower().removeprefix("t_").replace("-", "")
        meant = (figure.action or figure.target).lower().replace("-", "")
        assert (spelled == meant) or figure.note, figure


def test_there_are_eighteen_actions() -> None:
    assert len(set(ACTIONS)) == 18
    assert {"noop", "fire", "upfire", "downleftfire"} <= set(ACTIONS)


def test_the_emulator_has_every_game_and_every_action() -> None:
    pytest.importorskip("ale_py")
    known = {"breakout": action_names("breakout"), "krull": action_names("krull")}
    assert load_games(action_names=lambda game: known.get(game, ACTIONS)) == load_games()
    assert "fire" in known["krull"]


@pytest.mark.slow
def test_the_emulator_has_all_of_them() -> None:
    pytest.importorskip("ale_py")
    assert load_games(action_names=action_names) == load_games()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("target: action:upfire", "target: action:upfier", r"figure 14: target: .*did you mean 'action:upf"),
        ("    target: S-\n", "    traget: S-\n", r"unknown key 'traget': .*did you mean 'target'"),
        ('figure: "10"', 'figure: "9"', r"figure 9: given twice, first in line \d+"),
        ('figure: "10"', "figure: 10", r"found 10, allowed is a text \(numbers in quotes\)"),
        ('figure: "10"', 'figure: "99"', r"figure 99: no such figure"),
        ('lost: ["34", "35"]', 'lost: ["34"]', r"figure 35: neither told nor lost"),
        ('lost: ["34", "35"]', 'lost: ["34", "35", "9"]', r"figure 9: told or lost more than once"),
        ('lost: ["34", "35"]', 'lost: ["34", "53b"]', r"found '53b'"),
        ('lost: ["34", "35"]', "lost: none", r"lost: found 'none', allowed is a list"),
        ('lost: ["34", "35"]\n', "", r"-: lacks lost"),
        ("    game: alien\n", "", r"figures\.10: lacks game"),
        ("    game: alien\n", "    game:\n", r"figure 10: game: found None"),
        ("    game: alien\n", "    game: &a alien\n", r"an anchor"),
        ("    game: alien\n", "    game: alien\n    game: alien\n", r"given twice"),
        ("    title: Alien\n", "   title: Alien\n", r"not YAML"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_the_nearest_spelling(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = edited(tmp_path, lambda text: text.replace(old, new, 1))
    with pytest.raises(ProbeError, match=message) as caught:
        load_games(path)
    assert str(caught.value).startswith("games.yaml:")


def test_an_action_that_a_game_does_not_take_is_told(tmp_path: Path) -> None:
    path = edited(tmp_path, lambda text: text.replace("target: action:left", "target: action:leftfire"))
    with pytest.raises(ProbeError, match=r"did you mean 'action:left'"):
        load_games(path, action_names=lambda _: ("noop", "left", "up", "right", "upfire", "fire"))


def test_a_game_that_the_emulator_lacks_is_told(tmp_path: Path) -> None:
    pytest.importorskip("ale_py")
    path = edited(tmp_path, lambda text: text.replace("game: air_raid", "game: air_rade"))
    known = set(load_games().games)
    with pytest.raises(ProbeError, match=r"figure 9: game: .*did you mean 'air_raid'"):
        load_games(path, action_names=lambda game: ACTIONS if game in known else action_names(game))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProbeError, match="cannot be read"):
        load_games(tmp_path / "none.yaml")
