from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from probes.agent import AgentOutput, ProbeError
from probes.data.saliency import spread
from probes.data.state_set import StateSet
from probes.state_models.crisp_model import CrispModel, Pass
from probes.state_models.likelihood import one_hot_frames
from probes.state_models.losses import decision_vector, uniform_weights, with_floor
from probes.state_models.model_store import build_model
from probes.state_models.objectives import (
    CrispLoss,
    PaperLoss,
    bounded_mean,
    crisp_objective,
    decision_scale,
    output_scale,
    paper_objective,
)
from probes.state_models.paper_model import PaperModel
from probes.state_models.state_model import kl_to_prior
from probes.states import to_states
from tests.probes.counters import LAYOUT, Critic
from tests.probes.fittings import CRISP_SHAPE, PAPER_SHAPE, saliency_of, small_states

BATCH = np.array([0, 3, 5, 12])


class Watched(Critic):
    """Remembers how many states it was shown, and which."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[Tensor] = []

    def features(self, states: Tensor) -> tuple[AgentOutput, Tensor]:
        self.shown.append(states.detach())
        return super().features(states)


def paper() -> PaperModel:
    model = build_model("paper", LAYOUT, PAPER_SHAPE, seed=0)
    assert isinstance(model, PaperModel)
    return model.eval()


def crisp() -> CrispModel:
    model = build_model("crisp", LAYOUT, CRISP_SHAPE, seed=0)
    assert isinstance(model, CrispModel)
    return model


def drawn(model: PaperModel, seen: Tensor, seed: int) -> Tensor:
    """Return what the objective decodes after the same seed."""
    torch.manual_seed(seed)
    mu, log_sigma = model.encode(seen)
    return model.decode(mu + log_sigma.exp() * torch.randn_like(mu)).detach()


def numbers(terms: dict[str, Tensor]) -> dict[str, float]:
    return {name: float(value.detach()) for name, value in terms.items()}


def test_outputs_are_scaled_by_their_spread_over_the_states_to_fit(states: StateSet) -> None:
    scores, value = np.zeros((len(states), 2), np.float32), np.full(len(states), 5.0, np.float32)
    scores[::2, 0], scores[states.held_out_indices, 1] = 6.0, 99.0
    known = replace(states, scores=scores, value=value)
    assert output_scale(known, with_value=True).tolist() == pytest.approx([3.0, 1e-6, 1e-6])
    assert output_scale(known, with_value=False).tolist() == pytest.approx([3.0, 1e-6])


def test_decisions_are_scaled_by_what_sets_scores_apart_alike_for_all_actions(states: StateSet) -> None:
    scores, value = np.zeros((len(states), 3), np.float32), np.zeros(len(states), np.float32)
    scores[::2] = [106.0, 100.0, 100.0]  # less their mean: 4, -2, -2
    value[::2] = 10.0
    known = replace(states, scores=scores, value=value)
    common = ((2**2 + 1 + 1) / 3) ** 0.5
    assert decision_scale(known).tolist() == pytest.approx([common] * 3 + [5.0])


@pytest.mark.parametrize("variant", ["full", "lp", "vae"])
def test_the_papers_loss_is_the_sum_of_its_weighted_parts(states: StateSet, variant: str) -> None:
    model, agent, saliency = paper(), Critic(), saliency_of(states)
    loss = PaperLoss(variant, agent_weight=0.5, kl_weight=0.25, floor=0.2)  # type: ignore[arg-type]
    compute = paper_objective(model, agent, states, saliency, loss)
    seen = states.states(BATCH)
    made = drawn(model, seen, seed=9)
    torch.manual_seed(9)
    found = numbers(compute(BATCH, 0.0))
    weights = with_floor(saliency.weights(BATCH), 0.2, LAYOUT)
    if variant == "vae":
        weights = uniform_weights(LAYOUT)
    squares = (spread(weights, LAYOUT) * (made - seen).square()).flatten(1).sum(1)
    assert found["pixels"] == pytest.approx(float(squares.mean()), rel=1e-5)
    assert found["kl"] == pytest.approx(float(kl_to_prior(*model.encode(seen)).detach().mean()), rel=1e-5)
    expected = found["pixels"] + 0.25 * found["kl"]
    if variant == "full":
        scale, said = output_scale(states, with_value=True), agent(made)
        off = torch.cat([said.scores, said.value[:, None]], 1).numpy()
        off -= np.concatenate([states.scores[BATCH], states.value[BATCH, None]], 1)
        assert found["agent"] == pytest.approx(((off / scale.numpy()) ** 2).sum(1).mean(), rel=1e-4)
        expected += 0.5 * found["agent"]
    assert found["loss"] == pytest.approx(expected, rel=1e-5)
    assert ("agent" in found) == (variant == "full")


def test_the_defaults_are_the_papers() -> None:
    loss = PaperLoss()
    assert (loss.variant, loss.agent_weight, loss.kl_weight, loss.floor) == ("full", 1e-3, 1e-4, 0.0)


def test_a_q_network_is_compared_by_its_scores_alone(tmp_path: Path) -> None:
    agent = Critic(critic=False)
    states, model = small_states(tmp_path / "set", agent), paper()
    torch.manual_seed(9)
    found = numbers(paper_objective(model, agent, states, saliency_of(states), PaperLoss())(BATCH, 0.0))
    off = agent(drawn(model, states.states(BATCH), seed=9)).scores - torch.from_numpy(states.scores[BATCH])
    assert found["agent"] == pytest.approx(
        float((off / output_scale(states, with_value=False)).square().sum(1).mean()), rel=1e-4
    )


def test_a_loss_that_weighs_pixels_asks_for_their_saliency(states: StateSet) -> None:
    for variant in ("full", "lp"):
        with pytest.raises(ProbeError, match=f"set: loss '{variant}' needs the states' saliency"):
            paper_objective(paper(), Critic(), states, None, PaperLoss(variant))
    paper_objective(paper(), Critic(), states, None, PaperLoss("vae"))


def test_settings_that_no_loss_has_are_refused() -> None:
    with pytest.raises(ProbeError, match="variant: found 'Lp', allowed are full, lp, vae"):
        PaperLoss("Lp")  # type: ignore[arg-type]
    with pytest.raises(ProbeError, match=r"floor: found 1\.5, allowed are 0 to 1"):
        PaperLoss(floor=1.5)


def test_the_crisp_loss_is_nats_of_picture_and_latents_at_first(states: StateSet) -> None:
    model, agent = crisp(), Watched()
    loss = CrispLoss(kl_weight=1e3, agent_from=0.5)
    compute = crisp_objective(model, agent, states, loss, torch.float32)
    agent.shown.clear()
    stored = torch.from_numpy(states.stored(BATCH))
    torch.manual_seed(9)
    look = model.look(one_hot_frames(stored, LAYOUT))
    torch.manual_seed(9)
    found = numbers(compute(BATCH, 0.49))
    assert found.keys() == {"nats", "kl", "loss"}
    assert found["nats"] == pytest.approx(float(model.nats(look.raw, stored).detach().mean()), rel=1e-5)
    assert found["kl"] == pytest.approx(float(look.kl.detach().sum(1).mean()), rel=1e-5)
    assert found["loss"] == pytest.approx(found["nats"] + 1e3 * found["kl"], rel=1e-5)
    assert not agent.shown


def test_a_state_like_no_other_pulls_no_harder_than_three_ordinary_ones() -> None:
    losses = torch.tensor([1.0, 2.0, 2.0, 3.0, 5000.0], requires_grad=True)
    mean = bounded_mean(losses)
    (gradient,) = torch.autograd.grad(mean, losses)
    assert mean.item() == pytest.approx((1 + 2 + 2 + 3 + 3 * 2) / 5)
    assert gradient.tolist() == pytest.approx([0.2, 0.2, 0.2, 0.2, 0.2 * 6 / 5000])
    ordinary = torch.tensor([1.0, 2.0, 5.0])
    assert float(bounded_mean(ordinary)) == pytest.approx(float(ordinary.mean()))


@pytest.mark.parametrize(("share", "levels"), [(0.0, 0), (0.05, 1), (0.11, 1), (0.12, 2), (0.9, 2)])
def test_the_levels_of_local_latents_join_one_after_the_other(
    states: StateSet, monkeypatch: pytest.MonkeyPatch, share: float, levels: int
) -> None:
    model, told = crisp(), list[int]()
    look = model.look

    def listening(frames: Tensor, number: int) -> Pass:
        told.append(number)
        return look(frames, number)

    monkeypatch.setattr(model, "look", listening)
    crisp_objective(model, Critic(), states, CrispLoss(), torch.float32)(BATCH, share)
    assert told == [levels]


def test_later_the_agent_judges_the_pictures(states: StateSet) -> None:
    model, agent = crisp(), Critic()
    loss = CrispLoss(1e3, feature_weight=3.0, agent_weight=7.0, agent_from=0.5, agent_states=2)
    compute = crisp_objective(model, agent, states, loss, torch.float32)
    stored = torch.from_numpy(states.stored(BATCH))
    torch.manual_seed(9)
    raw = model.look(one_hot_frames(stored, LAYOUT)).raw
    torch.manual_seed(9)
    found = numbers(compute(BATCH, 0.5))
    with torch.no_grad():
        made, drawn_features = agent.features(model.pictures(raw)[::2])
        seen, real_features = agent.features(to_states(stored, LAYOUT)[::2])
        all_features = agent.features(states.states(states.fit_indices))[1]
    deviation = all_features.std(0)
    off = (drawn_features - real_features) / deviation.clamp_min(float(deviation.mean()))
    assert found["features"] == pytest.approx(float(off.square().sum(1).mean()), rel=1e-4)
    apart = (decision_vector(made) - decision_vector(seen)) / decision_scale(states)
    assert found["agent"] == pytest.approx(float(apart.square().sum(1).mean()), rel=1e-4)
    parts = found["nats"] + 1e3 * found["kl"] + 3.0 * found["features"] + 7.0 * found["agent"]
    assert found["loss"] == pytest.approx(parts, rel=1e-5)


@pytest.mark.parametrize(("looks", "expected"), [(1, [0]), (2, [0, 2]), (3, [0, 2]), (4, [0, 1, 2, 3])])
def test_the_agent_looks_at_states_from_all_over_a_sorted_batch(
    states: StateSet, looks: int, expected: list[int]
) -> None:
    agent = Watched()
    loss = CrispLoss(agent_from=0.0, agent_states=looks)
    compute = crisp_objective(crisp(), agent, states, loss, torch.float32)
    agent.shown.clear()
    compute(BATCH, 1.0)
    assert torch.equal(agent.shown[1], states.states(BATCH[expected]))


def test_an_agent_whose_hidden_units_are_silent_does_not_spoil_the_loss(states: StateSet) -> None:
    agent = Critic()
    with torch.no_grad():
        last = agent.hidden[3]
        assert isinstance(last, nn.Linear)
        last.weight.zero_()
        last.bias.fill_(-1.0)
    compute = crisp_objective(crisp(), agent, states, CrispLoss(agent_from=0.0), torch.float32)
    found = numbers(compute(BATCH, 1.0))
    assert found["features"] == 0.0
    assert np.isfinite(found["loss"])


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_gradient_reaches_the_model_and_not_the_agent(states: StateSet, share: float) -> None:
    model, agent = crisp(), Critic()
    terms = crisp_objective(model, agent, states, CrispLoss(), torch.float32)(BATCH, share)
    terms["loss"].backward()  # type: ignore[no-untyped-call]
    assert all(parameter.grad is None for parameter in agent.parameters())
    reached = [name for name, parameter in model.named_parameters() if parameter.grad is not None]
    assert "patches.weight" in reached
    assert ("latents.1.0.posterior.widen.weight" in reached) == (share == 1.0)


class _Moved(TorchFunctionMode):
    """Notes every tensor that is sent to a device, and has it stay where it is."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Tensor] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        del types
        if func is Tensor.to and isinstance(args[1], torch.device):
            self.sent.append(args[0])
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", ["paper", "crisp"])
def test_states_are_sent_to_the_model_s_device_as_bytes(states: StateSet, name: str) -> None:
    saliency = saliency_of(states)
    with _Moved() as moved:
        if name == "paper":
            compute = paper_objective(paper(), Critic(), states, saliency, PaperLoss())
        else:
            compute = crisp_objective(crisp(), Critic(), states, CrispLoss(agent_from=0.0), torch.float32)
        compute(BATCH, 1.0)
    batches = [sent for sent in moved.sent if sent.dtype == torch.uint8 and len(sent) == len(BATCH)]
    assert len(batches) == 1
    assert torch.equal(batches[0], torch.from_numpy(states.stored(BATCH)))
    assert not any(tensor.ndim == 5 and tensor.shape[2] == LAYOUT.channels for tensor in moved.sent)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("name", ["paper", "crisp"])
def test_a_gpu_says_the_same_of_a_picture(
    states: StateSet, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(torch, "randn_like", torch.zeros_like)  # devices draw other noise
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    found = []
    for device in ("cpu", "cuda"):
        if name == "paper":
            compute = paper_objective(
                paper().to(device), Critic().to(device), states, saliency_of(states), PaperLoss()
            )
        else:
            agent, loss = Critic().to(device), CrispLoss(agent_from=0.0)
            compute = crisp_objective(crisp().to(device), agent, states, loss, torch.float32)
        found.append(numbers(compute(BATCH, 1.0)))
    assert found[1] == pytest.approx(found[0], rel=1e-3)
