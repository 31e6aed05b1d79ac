from __future__ import annotations

from pathlib import Path

import pytest
import torch

from probes.agent import AgentOutput, ProbeError
from probes.synthesis.targets import resolve
from probes.synthesis.user_target import load_user_target
from tests.probes.linear_models import LAYOUT, LinearAgent, LinearModel, Pictures

OUTPUT = AgentOutput(torch.zeros(2, 2), torch.tensor([1.0, 2.0]))
SOURCE = """
import torch
limit = 3
def doubled(output, states): return 2 * output.value
def first_pixel(output, states): return states[:, -1, 0, 0, 0]
def summed(output, states): return output.value.sum()
def endless(output, states): return output.value / 0
def number(output, states): return 1.0
def lonely(output): return output.value
"""


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_targets.py").write_text(SOURCE, encoding="utf-8")
    (tmp_path / "broken_targets.py").write_text("1 / 0", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "own_targets", raising=False)


def test_a_function_of_a_module_in_the_working_directory_is_a_target() -> None:
    assert load_user_target("own_targets:doubled")(OUTPUT, torch.empty(0)).tolist() == [2.0, 4.0]


def test_its_scale_comes_from_the_states_that_are_given() -> None:
    states = torch.zeros(2, *LAYOUT.shape)
    states[1, -1, 0, 0, 0] = 1.0
    agent = LinearAgent()
    recorded = Pictures(LinearModel(), agent, 10).recorded()
    target = resolve("own_targets:first_pixel", agent, recorded, states=[states[:1], states[1:]])
    assert target.scale == pytest.approx(0.5)
    assert target(agent(states), states).tolist() == [0.0, 2.0]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("own_targets:", "written module:function"),
        ("no_such_module:f", "cannot be imported: ModuleNotFoundError"),
        ("broken_targets:f", "cannot be imported: ZeroDivisionError"),
        ("own_targets:double", "no function 'double'; did you mean 'doubled'"),
        ("own_targets:limit", "no function 'limit'"),
        ("own_targets:lonely", r"callable as function\(output, states\)"),
    ],
)
def test_what_cannot_be_a_target_is_refused_at_once(name: str, message: str) -> None:
    with pytest.raises(ProbeError, match=message):
        load_user_target(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("summed", r"shape \(2,\), got torch.float32 \(\)"),
        ("endless", "returned NaN or infinity"),
        ("number", "got float"),
    ],
)
def test_what_does_not_return_a_number_for_each_state_is_refused(name: str, message: str) -> None:
    target = load_user_target(f"own_targets:{name}")
    with pytest.raises(ProbeError, match=message):
        target(OUTPUT, torch.empty(0))
