from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.state_models import fit_checkpoint
from probes.state_models.fit_checkpoint import (
    CUDA_RANDOM,
    KIND,
    TENSORS,
    Checkpoint,
    Fitting,
    iterations_done,
    read_checkpoint,
    write_checkpoint,
)
from tests.probes.fittings import same_weights, small_states

SETTINGS = {"levels": (1, 2), "name": "toy"}


@pytest.fixture
def place(tmp_path: Path) -> Checkpoint:
    states = small_states(tmp_path / "set")
    return Checkpoint(tmp_path / "fit.partial" / "checkpoint", SETTINGS, 5, {"states": states.path})


def fitting(seed: int) -> Fitting:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1))
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a keyword-only overload
    average = {name: torch.rand_like(value.float()) for name, value in model.state_dict().items()}
    return Fitting(model, average, torch.optim.Adam(model.parameters(), 0.1, betas=(0.9, 0.99)))


def step(state: Fitting) -> None:
    state.optimiser.zero_grad()
    state.model(torch.rand(2, 3, 5, 5)).square().sum().backward()
    state.optimiser.step()


def test_a_fit_goes_on_from_its_checkpoint_as_if_it_had_not_stopped(place: Checkpoint) -> None:
    second, first = fitting(seed=1), fitting(seed=0)
    for _ in range(3):
        step(first)
    write_checkpoint(place, first, 3)
    assert not same_weights(first.model, second.model)
    step(first)
    assert read_checkpoint(place, second) == 3
    step(second)
    assert same_weights(first.model, second.model)
    assert first.average.keys() == second.average.keys()
    assert all(torch.equal(first.average[name], second.average[name]) for name in first.average)
    for one, other in zip(first.model.parameters(), second.model.parameters(), strict=True):
        for name, value in first.optimiser.state[one].items():
            assert torch.equal(value, second.optimiser.state[other][name])
    assert second.optimiser.param_groups[0]["betas"] == (0.9, 0.99)


def test_moments_lie_in_memory_as_their_parameters_do(place: Checkpoint) -> None:
    state = fitting(seed=0)
    step(state)
    write_checkpoint(place, state, 1)
    other = fitting(seed=1)
    read_checkpoint(place, other)
    for parameter, moments in other.optimiser.state.items():
        assert moments["exp_avg"].stride() == moments["exp_avg_sq"].stride() == parameter.stride()


def test_parameters_that_have_not_been_reached_yet_have_no_moments(place: Checkpoint) -> None:
    state = fitting(seed=0)
    assert isinstance(state.model, nn.Sequential)
    state.model[0](torch.rand(1, 3, 5, 5)).sum().backward()
    state.optimiser.step()
    write_checkpoint(place, state, 1)
    other = fitting(seed=1)
    read_checkpoint(place, other)
    reached = [parameter in other.optimiser.state for parameter in other.model.parameters()]
    assert reached == [True, True, False, False, False, False]


def test_without_a_checkpoint_a_fit_begins_at_its_first_iteration(place: Checkpoint) -> None:
    state = fitting(seed=0)
    before = torch.get_rng_state()
    assert read_checkpoint(place, state) == iterations_done(place.path) == 0
    assert torch.equal(torch.get_rng_state(), before)


def test_the_iterations_done_can_be_asked_without_a_model(place: Checkpoint) -> None:
    write_checkpoint(place, fitting(seed=0), 1234)
    assert iterations_done(place.path) == 1234


def test_a_later_checkpoint_takes_the_place_of_an_earlier_one(place: Checkpoint) -> None:
    state = fitting(seed=0)
    write_checkpoint(place, state, 1)
    write_checkpoint(place, state, 2)
    assert iterations_done(place.path) == 2
    assert [entry.name for entry in place.path.parent.iterdir()] == ["checkpoint"]


@pytest.mark.parametrize("change", [{"config": {"name": "toy"}}, {"seed": 6}])
def test_the_checkpoint_of_other_settings_is_refused(place: Checkpoint, change: dict[str, object]) -> None:
    write_checkpoint(place, fitting(seed=0), 1)
    with pytest.raises(
        ProbeError, match="checkpoint: holds an unfinished fit with other settings; delete it"
    ):
        read_checkpoint(place._replace(**change), fitting(seed=0))  # type: ignore[arg-type]


def test_the_checkpoint_of_other_states_is_refused(place: Checkpoint, tmp_path: Path) -> None:
    write_checkpoint(place, fitting(seed=0), 1)
    others = small_states(tmp_path / "others", seed=1)
    with pytest.raises(ProbeError, match="checkpoint: holds an unfinished fit with other states; delete it"):
        read_checkpoint(place._replace(parents={"states": others.path}), fitting(seed=0))


def test_a_checkpoint_that_names_no_states_is_taken(place: Checkpoint, tmp_path: Path) -> None:
    state = fitting(seed=0)
    write_checkpoint(place, state, 7)
    old = tmp_path / "old"
    with artifact.writing(old, KIND, config=SETTINGS, seed=5, parents={}) as scratch:
        for name in (TENSORS, "progress.json"):
            (scratch / name).write_bytes((place.path / name).read_bytes())
    assert read_checkpoint(place._replace(path=old), state) == 7


def test_an_altered_checkpoint_is_refused(place: Checkpoint) -> None:
    write_checkpoint(place, fitting(seed=0), 1)
    file = place.path / TENSORS
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    state = fitting(seed=1)
    weights = {name: value.clone() for name, value in state.model.state_dict().items()}
    with pytest.raises(ProbeError, match=f"{TENSORS}: altered: .*delete {place.path}"):
        read_checkpoint(place, state)
    assert all(torch.equal(weights[name], value) for name, value in state.model.state_dict().items())


def test_the_checkpoint_of_another_architecture_names_what_differs(place: Checkpoint) -> None:
    write_checkpoint(place, fitting(seed=0), 1)
    other = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    with pytest.raises(ProbeError, match=r"unknown tensors: 2\.bias, 2\.weight"):
        read_checkpoint(place, Fitting(other, {}, torch.optim.Adam(other.parameters())))


def test_the_checkpoint_of_a_cpu_holds_one_random_state(place: Checkpoint) -> None:
    write_checkpoint(place, fitting(seed=0), 1)
    names = artifact.load_tensors(place.path / TENSORS).keys()
    assert [name for name in names if name.startswith("random")] == ["random"]


def test_a_fit_that_a_gpu_began_goes_on_without_one(
    place: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(fit_checkpoint, "device_of", lambda _: torch.device("cuda"))
        patch.setattr(torch.cuda, "get_rng_state", lambda _: torch.arange(16, dtype=torch.uint8))
        write_checkpoint(place, fitting(seed=0), 3)
    kept = artifact.load_tensors(place.path / TENSORS)
    assert kept[CUDA_RANDOM].tolist() == list(range(16))
    assert read_checkpoint(place, fitting(seed=1)) == 3
    assert torch.equal(torch.get_rng_state(), kept["random"])


@pytest.mark.parametrize(("began", "expected"), [("cuda", [list(range(16))]), ("cpu", [])])
def test_a_gpu_goes_on_with_its_own_random_state_if_it_began(
    place: Checkpoint, monkeypatch: pytest.MonkeyPatch, began: str, expected: list[list[int]]
) -> None:
    found: list[list[int]] = []
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda _: torch.arange(16, dtype=torch.uint8))
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, _: found.append(state.tolist()))
    monkeypatch.setattr(fit_checkpoint, "device_of", lambda _: torch.device(began))
    write_checkpoint(place, fitting(seed=0), 3)
    monkeypatch.setattr(fit_checkpoint, "device_of", lambda _: torch.device("cuda"))
    assert read_checkpoint(place, fitting(seed=1)) == 3
    assert found == expected


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_draws_on_from_its_checkpoint(place: Checkpoint) -> None:
    state = fitting(seed=0)
    state.model.to("cuda")
    write_checkpoint(place, state, 1)
    drawn = torch.randn(4, device="cuda")
    assert read_checkpoint(place, state) == 1
    assert torch.equal(torch.randn(4, device="cuda"), drawn)
