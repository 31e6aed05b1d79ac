from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from probes.synthesis.climb import Progress
from probes.synthesis.search_config import SearchConfig
from probes.synthesis.synthesise import Searched, Subject, possible_of, renamed, synthesise
from probes.synthesis.targets import Target, resolve
from tests.probes.toy_sets import AGENT, toy_subject

CONFIG = SearchConfig(chains=6, steps=40, batch=6)


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    path: Path = tmp_path_factory.mktemp("toy")
    return toy_subject(path / "states")


def target(subject: Subject, name: str) -> Target:
    return resolve(name, AGENT, subject.reference.recorded())


def test_a_search_raises_the_target_and_is_held_against_the_held_out_states(subject: Subject) -> None:
    steps: list[Progress] = []
    found = synthesise(subject, [target(subject, "V-")], CONFIG, on_step=steps.append)[0]
    value = subject.states.value
    assert [step.step for step in steps] == list(range(1, 41))
    assert found.finding.curve.objective[-1].mean() > found.finding.curve.objective[0].mean() + 1
    np.testing.assert_allclose(found.real.measured.objective, -value[200:] / value.std(), rtol=1e-4)
    np.testing.assert_allclose(found.verdicts.measured.objective, found.finding.objective, rtol=1e-4)


def test_variety_is_told_of_all_findings_and_of_those_that_pass(subject: Subject) -> None:
    found = synthesise(subject, [target(subject, "V+")], CONFIG)[0]
    passing = int(found.verdicts.passes.sum())
    assert found.variety is not None
    assert found.variety.disagreement.n == 6
    assert found.variety.real.value == pytest.approx(found.real.disagreement)
    assert (found.variety_passing is None) == (passing < 2)
    alone = synthesise(subject, [target(subject, "V+")], replace(CONFIG, chains=1))[0]
    assert (alone.variety, alone.variety_passing) == (None, None)


@pytest.mark.parametrize(("share", "is_asked"), [(0.96, True), (0.9, False)])
def test_what_a_domain_knows_counts_if_it_holds_of_recorded_states(
    share: float, is_asked: bool, subject: Subject
) -> None:
    real = subject.states.stored(subject.reference.indices)
    known = {state.tobytes() for state in real[: round(share * len(real))]}
    told = subject._replace(could_be=lambda some: np.array([state.tobytes() in known for state in some]))
    found = synthesise(told, [target(subject, "V-")], replace(CONFIG, steps=1), possible=possible_of(told))[0]
    assert ("unreal" in found.verdicts.failed) == is_asked
    assert found.verdicts.passes.any() <= (not is_asked)  # no draw is a recorded state


def test_a_search_by_another_name_of_the_same_formula_says_its_own_name(subject: Subject) -> None:
    first: Searched = synthesise(subject, [target(subject, "T-")], replace(CONFIG, steps=1))[0]
    other = renamed(first, target(subject, "V-"))
    assert (first.target.name, other.target.name) == ("T-", "V-")
    assert first.finding.settings["target"]["name"] == "T-"
    assert other.finding.settings["target"]["name"] == "V-"
    assert other.finding.settings["search"] == first.finding.settings["search"]
    assert other.finding.stored is first.finding.stored
    with pytest.raises(AssertionError):
        renamed(first, target(subject, "V+"))
