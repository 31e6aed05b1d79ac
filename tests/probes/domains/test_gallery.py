from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from probes import cli
from probes.agent import ProbeError
from probes.domains.atari_games import GameFigure, GameList, load_games
from probes.domains.gallery import (
    Entry,
    GalleryConfig,
    draw_chains,
    findings_of,
    plan,
    want_of_agent,
    want_of_model,
)

GAMES = load_games()
ENTRIES = {
    "kung_fu_master": Entry("a", "m"),
    "name_this_game": Entry("b", "n", Path("s")),
}


def figure(number: str) -> GameFigure:
    (found,) = [each for each in GAMES.figures if each.figure == number]
    return found


def configured(**changes: int) -> GalleryConfig:
    lacking = dict.fromkeys((game for game in GAMES.games if game not in ENTRIES), "no agent")
    return GalleryConfig(GAMES, ENTRIES, lacking, **changes)


def test_all_targets_of_a_game_are_searched_for_at_once() -> None:
    collected, searched, other = plan(configured(chains=5, steps=6, seed=7), Path("g"))
    assert collected.words == (
        *("collect", "--agent", "a", "--game", "kung_fu_master", "--fit-states", "100"),
        *("--held-out-states", "400", "-o", "g/kung_fu_master/states", "--worlds", "10", "--spacing", "20"),
    )
    assert " ".join(searched.words) == (
        "search T± T+ T- action:up --agent a --game kung_fu_master --model m --states g/kung_fu_master/states"
        " --real-states 400 --chains 5 --steps 6 --batch 32 --precision bf16 --seed 7"
        " -o g/kung_fu_master/findings"
    )
    assert searched.title.startswith("kung_fu_master: ")
    # Of this game two figures have the same target, and its states are given.
    assert " ".join(other.words).startswith("search T± --agent b --game name_this_game --model n --states s ")


def test_one_setting_holds_for_all_games() -> None:
    searches = [step.words for step in plan(configured(), Path("g")) if step.words[0] == "search"]
    assert len(searches) == 2
    settings = {" ".join(words[words.index("--real-states") : words.index("--batch")]) for words in searches}
    assert settings == {"--real-states 400 --chains 16 --steps 300"}
    assert {words[words.index("--precision") : words.index("-o")] for words in searches} == {
        ("--precision", "bf16", "--seed", "0")
    }


def test_every_stage_is_a_command_that_can_be_typed() -> None:
    entries = {game: Entry("a", "m") for game in GAMES.games}
    steps = plan(GalleryConfig(GAMES, entries, {}), Path("g"))
    assert len(steps) == 2 * 43
    for step in steps[:2]:
        cli.make_parser(step.words[0]).parse_args(step.words)
    parser = cli.make_parser("search")
    targets = [parser.parse_args(step.words).targets for step in steps if step.words[0] == "search"]
    assert sum(map(len, targets)) == len({(each.game, each.target) for each in GAMES.figures})


def test_findings_lie_where_the_search_writes_them() -> None:
    assert findings_of(figure("1a")) == "kung_fu_master/findings/t-plus-minus"
    assert findings_of(figure("14")) == "asteroids/findings/action-upfire"


def test_figures_are_either_shown_or_skipped_in_the_order_of_the_paper() -> None:
    config = configured()
    assert [each.figure for each in config.shown] == ["1a", "1b", "1c", "1g", "39", "42"]
    assert len(config.skipped) == 52 - 6
    assert [each.figure for each in config.skipped[:3]] == ["1d", "1e", "1f"]


def test_the_chains_of_a_figure_follow_from_the_seed_and_its_number_alone() -> None:
    one, other = (draw_chains(figure(number), 16, 0) for number in ("1g", "42"))
    assert one == draw_chains(figure("1g"), 16, 0)
    assert one != other
    assert one != draw_chains(figure("1g"), 16, 1)
    assert draw_chains(figure("1g"), 4, 3) == (0, 1, 2, 3)


def test_no_chain_is_preferred() -> None:
    draws = [draw_chains(figure("9"), 16, seed) for seed in range(800)]
    assert all(len(set(chains)) == 4 and list(chains) == sorted(chains) for chains in draws)
    counts = Counter(chain for chains in draws for chain in chains)
    assert len(counts) == 16
    # 200 expected, binomial with a standard deviation of 12.2
    assert all(200 - 50 < count < 200 + 50 for count in counts.values())


def test_as_many_chains_are_searched_as_are_shown() -> None:
    with pytest.raises(ProbeError, match="chains: found 3, allowed are 4 and more"):
        GalleryConfig(GameList((), ()), {}, {}, chains=3)


def test_what_is_missing_is_told_with_the_commands_that_make_it() -> None:
    assert "`probes train atari:seaquest -o runs/seaquest`" in want_of_agent("seaquest")
    assert want_of_agent("seaquest").endswith("--agents seaquest=runs/seaquest")
    told = want_of_model("pong", "pong-dqn")
    _, collecting, _, fitting, ending = told.split("`")
    assert ending.endswith("--models pong=runs/pong-crisp")
    for command in (collecting, fitting):
        words = command.split()[1:]
        args = cli.make_parser(words[0]).parse_args(words)
        assert args.agent == "pong-dqn"
