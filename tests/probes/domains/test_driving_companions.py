from __future__ import annotations

from pathlib import Path

import pytest

from probes.domains.driving_companions import (
    OTHER_MODEL,
    PEERS,
    PEERS_OF,
    Company,
    choose_company,
    company_steps,
    random_companion,
)
from probes.domains.study_steps import SearchAmounts

FEW = SearchAmounts(300, 100, 60, 3, 4)
DISTRIBUTED, MIXED = PEERS
RANDOM = random_companion("a", "m")
SHIPPED = ["distracted-seg4-crisp", "mixed-full8-crisp", "reasonable-seg4-crisp"]


def names(company: Company) -> list[list[str]]:
    return [[one.name for one in part] for part in (company.present, company.absent)]


def words(company: Company) -> list[str]:
    return [" ".join(step.words) for step in company_steps(company, FEW, 5, 9, Path("d"))]


@pytest.mark.parametrize(
    ("shipped", "expected"),
    [
        (SHIPPED, [["distracted-seg4", "mixed-full8", "random-weights"], []]),
        (SHIPPED[1:], [["mixed-full8", "random-weights"], ["distracted-seg4"]]),
        ([], [["random-weights"], ["distracted-seg4", "mixed-full8"]]),
    ],
)
def test_a_companion_whose_model_is_not_shipped_is_absent(
    shipped: list[str], expected: list[list[str]]
) -> None:
    assert names(choose_company(PEERS_OF, "a", "m", shipped)) == expected


def test_the_studied_agent_is_asked_through_another_state_model_where_that_is_shipped() -> None:
    company = choose_company(PEERS_OF, "a", "m", SHIPPED, asks_other_model=True)
    assert company.other_model == OTHER_MODEL
    assert OTHER_MODEL not in (*company.asked_low, *company.peers)
    for name, shipped in (("mine", SHIPPED), (PEERS_OF, SHIPPED[1:])):
        assert choose_company(name, "a", "m", shipped, asks_other_model=True).other_model is None
    collect, search, contents = words(Company((OTHER_MODEL,)))
    place = "d/others/other-state-model"
    assert collect.startswith("collect --agent reasonable-seg4 --scenario distracted --fit-states 300 ")
    assert search.startswith(
        f"search T- --agent reasonable-seg4 --model distracted-seg4-crisp --states {place}/states "
    )
    assert contents.endswith(f"--agent reasonable-seg4 --model distracted-seg4-crisp -o {place}/contents")


def test_another_agent_has_the_negative_control_alone() -> None:
    assert names(choose_company("mine", "runs/mine", "m", SHIPPED)) == [["random-weights"], []]


def test_the_experiments_know_their_agents() -> None:
    company = choose_company(PEERS_OF, "a", "m", SHIPPED)
    assert [one.name for one in company.asked_low] == ["distracted-seg4", "random-weights"]
    assert [one.name for one in company.braking] == ["mixed-full8"]
    assert [one.name for one in company.peers] == ["distracted-seg4", "mixed-full8"]


def test_random_weights_share_the_studied_agents_states_and_model() -> None:
    search, contents = words(Company((RANDOM,)))
    assert search.startswith(
        "search T- --agent a --model m --states d/states --quantile 0.1 --random-weights 0 "
    )
    assert "--real-states 60 --chains 3 --steps 4" in search
    assert search.endswith("--seed 9 -o d/others/random-weights/findings")
    assert contents == (
        "contents d/others/random-weights/findings/t-minus --states d/states --agent a"
        " -o d/others/random-weights/contents"
    )


def test_a_peer_has_states_and_a_model_of_its_own() -> None:
    collect, search, contents = words(Company((DISTRIBUTED,)))
    place = "d/others/distracted-seg4"
    assert collect == (
        f"collect --agent distracted-seg4 --fit-states 300 --held-out-states 100 -o {place}/states"
    )
    assert search.startswith(
        f"search T- brake --agent distracted-seg4 --model distracted-seg4-crisp --states {place}/states "
    )
    assert " --quantile 0.1 " in search
    assert contents.startswith(
        f"contents {place}/findings/t-minus {place}/findings/action-brake --states {place}/states"
    )


def test_braking_is_counted_for_experiment_1_alone() -> None:
    commands = [line.split()[0] for line in words(Company((DISTRIBUTED, MIXED)))]
    assert commands == ["collect", "search", "contents", "collect", "search", "contents", "braking"]
    assert words(Company((MIXED,)))[-1] == (
        "braking --agent mixed-full8 --episodes 5 -o d/others/mixed-full8/braking"
    )


def test_the_title_of_a_stage_says_whose_it_is() -> None:
    steps = company_steps(Company((RANDOM,)), FEW, 5, 9, Path("d"))
    assert all(step.title.startswith("random-weights: ") for step in steps)
