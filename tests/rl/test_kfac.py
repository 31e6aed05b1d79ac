"""Factors and steps against hand-computed numbers, dense Fisher matrices, and curvlinops where installed."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from drivesim.rl.kfac import Curvature, Layer, damped_inverses, factors, input_rows, output_rows, recorded

DAMPING = 0.01


def small_network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    convolution = nn.Conv2d(2, 3, (3, 2), stride=(2, 1), padding=1)  # (2, 5, 4) -> (3, 3, 5)
    return nn.Sequential(convolution, nn.ReLU(), nn.Flatten(), nn.Linear(45, 4), nn.ReLU(), nn.Linear(4, 3))


def log_likelihoods(network: nn.Module, states: Tensor, labels: Tensor) -> Tensor:
    return -functional.cross_entropy(network(states), labels, reduction="none")


def observed(network: nn.Module, states: Tensor, labels: Tensor) -> Curvature:
    curvature = Curvature(network, decay=0.9, damping=DAMPING, renewal=1)
    curvature.observe(lambda: log_likelihoods(network, states, labels).sum())
    return curvature


def layer_gradients(layer: Layer, total: Tensor) -> Tensor:
    """Return the gradients of a layer's weights and bias as one row."""
    assert layer.bias is not None
    weight, bias = torch.autograd.grad(total, [layer.weight, layer.bias], retain_graph=True)
    return torch.cat([weight.flatten(1), bias.unsqueeze(1)], dim=1).flatten()


def test_factors_of_a_linear_layer_are_second_moments() -> None:
    inputs, gradients = torch.tensor([[1.0, 2.0], [3.0, 0.0]]), torch.tensor([[2.0], [-4.0]])
    a, s = factors(nn.Linear(2, 1), inputs, gradients)
    # (1, 2, 1) and (3, 0, 1): means of products; (4 + 16) / 2
    torch.testing.assert_close(a, torch.tensor([[5.0, 1.0, 2.0], [1.0, 2.0, 1.0], [2.0, 1.0, 1.0]]))
    torch.testing.assert_close(s, torch.tensor([[10.0]]))
    without, _ = factors(nn.Linear(2, 1, bias=False), inputs, gradients)
    torch.testing.assert_close(without, a[:2, :2])


def test_factors_of_a_convolution_sum_its_inputs_and_average_its_gradients_over_places() -> None:
    layer = nn.Conv2d(1, 1, (1, 2))
    inputs, gradients = torch.tensor([[[[1.0, 2.0, 3.0]]]]), torch.tensor([[[[2.0, -1.0]]]])
    a, s = factors(layer, inputs, gradients)
    # patches (1, 2, 1) and (2, 3, 1): 1 + 4, 2 + 6, 1 + 2, 4 + 9, 2 + 3, 1 + 1; (4 + 1) / 2
    torch.testing.assert_close(a, torch.tensor([[5.0, 8.0, 3.0], [8.0, 13.0, 5.0], [3.0, 5.0, 2.0]]))
    torch.testing.assert_close(s, torch.tensor([[2.5]]))


def test_rows_times_weights_are_the_outputs_of_either_layer() -> None:
    network = small_network()
    states = torch.randn(2, 2, 5, 4)
    layers: list[Layer] = [m for m in network if isinstance(m, nn.Conv2d | nn.Linear)]
    with recorded(layers) as seen:
        network(states)
    assert list(seen) == layers
    for layer, (inputs, output) in seen.items():
        assert layer.bias is not None
        weights = torch.cat([layer.weight.flatten(1), layer.bias.unsqueeze(1)], dim=1)
        torch.testing.assert_close(input_rows(layer, inputs) @ weights.T, output_rows(output))


def test_no_hook_is_left_behind() -> None:
    layer = nn.Linear(2, 2)
    with pytest.raises(ZeroDivisionError), recorded([layer]):
        raise ZeroDivisionError
    assert not layer._forward_hooks


def test_damping_is_split_by_the_mean_diagonals() -> None:
    # means 8 and 2: pi = 2, so 8 + 2 * 0.3 and 2 + 0.3 / 2
    one, two = damped_inverses(8 * torch.eye(3), 2 * torch.eye(2), 0.09)
    torch.testing.assert_close(one, torch.eye(3) / 8.6)
    torch.testing.assert_close(two, torch.eye(2) / 2.15)


def test_a_scale_moved_from_one_factor_to_the_other_changes_nothing() -> None:
    torch.manual_seed(0)
    a, s = (x @ x.T for x in (torch.randn(4, 3), torch.randn(2, 2)))
    first, second = (damped_inverses(a * k, s / k, DAMPING) for k in (1.0, 50.0))
    torch.testing.assert_close(torch.kron(*first), torch.kron(*second), rtol=1e-4, atol=1e-4)


def test_factors_that_are_zero_or_not_finite_are_told_apart() -> None:
    inverse, _ = damped_inverses(torch.zeros(2, 2), torch.zeros(2, 2), DAMPING)
    torch.testing.assert_close(inverse, 10 * torch.eye(2))
    with pytest.raises(ArithmeticError, match="cannot be inverted"):
        damped_inverses(torch.eye(3), torch.full((2, 2), torch.nan), DAMPING)


def test_blocks_of_one_state_are_its_fisher_matrix() -> None:
    network, states, labels = small_network(), torch.randn(1, 2, 5, 4), torch.tensor([1])
    curvature = observed(network, states, labels)
    total = log_likelihoods(network, states, labels).sum()
    for block in curvature.blocks[1:]:  # a convolution sees many places at once
        row = layer_gradients(block.layer, total)
        torch.testing.assert_close(torch.kron(block.outputs, block.inputs), torch.outer(row, row))


def test_a_convolution_whose_gradients_are_uncorrelated_between_places_is_exact() -> None:
    # One channel, one input value c everywhere, places' gradients independent and of the same variance.
    layer = nn.Conv2d(1, 1, 1)
    gradients = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]).reshape(4, 1, 1, 2)
    a, s = factors(layer, torch.full((4, 1, 1, 2), 3.0), gradients)
    per_state = gradients.sum(dim=(1, 2, 3)).unsqueeze(1) * torch.tensor([3.0, 1.0])
    torch.testing.assert_close(torch.kron(s, a), per_state.T @ per_state / 4)


def test_natural_gradients_solve_the_damped_system() -> None:
    network, states, labels = small_network(), torch.randn(6, 2, 5, 4), torch.randint(3, (6,))
    curvature = observed(network, states, labels)
    (-log_likelihoods(network, states, labels).mean()).backward()  # type: ignore[no-untyped-call]
    natural = curvature.natural_gradients()
    assert len(natural) == 6
    for block in curvature.blocks:
        layer = block.layer
        assert layer.weight.grad is not None
        assert layer.bias is not None
        gradient = torch.cat([layer.weight.grad.flatten(1), layer.bias.grad.unsqueeze(1)], dim=1).flatten()  # type: ignore[union-attr]  # it has one
        pi = (
            (block.inputs.trace() / len(block.inputs)) / (block.outputs.trace() / len(block.outputs))
        ).sqrt()
        a, s = (
            factor.double() + scale * DAMPING**0.5 * torch.eye(len(factor))
            for factor, scale in ((block.inputs, pi), (block.outputs, 1 / pi))
        )
        expected = torch.linalg.solve(torch.kron(s, a), gradient.double()).float()
        found = torch.cat([natural[layer.weight].flatten(1), natural[layer.bias].unsqueeze(1)], dim=1)
        torch.testing.assert_close(found.flatten(), expected, rtol=1e-4, atol=1e-5)


def test_running_means_start_plain_and_then_decay() -> None:
    layer = nn.Linear(1, 1, bias=False)
    curvature = Curvature(layer, decay=0.75, damping=DAMPING, renewal=2)
    means, inverses = [], []
    for value in (1.0, 3.0, 2.0, 4.0, 1.0):
        curvature.observe(lambda value=value: layer(torch.full((1, 1), value)).sum())  # type: ignore[misc]  # a closure
        means.append(curvature.blocks[0].inputs.item())
        inverses.append(curvature.blocks[0].inverse_inputs.item())
    # of 1, 9, 4, 16, 1: plain means while 1 / k is above 1/4
    assert means == pytest.approx([1.0, 5.0, 14 / 3, 7.5, 5.875])
    assert [inverses[0] == inverses[1], inverses[1] == inverses[2]] == [True, False]
    assert inverses[2] == inverses[3] != inverses[4]


def test_what_a_convolution_must_not_have_is_refused() -> None:
    for wrong in (
        nn.Conv2d(2, 2, 1, groups=2),
        nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular"),
        nn.Conv2d(1, 1, 3, padding="same"),
    ):
        with pytest.raises(ValueError, match="not known here"):
            Curvature(wrong, 0.9, DAMPING, 1)


def test_blocks_agree_with_curvlinops() -> None:
    """An independent implementation: Dangel et al. (2025), `pip install curvlinops-for-pytorch`."""
    curvlinops: Any = pytest.importorskip("curvlinops")
    network, states, labels = small_network(), torch.randn(6, 2, 5, 4), torch.randint(3, (6,))
    curvature = observed(network, states, labels)
    theirs = curvlinops.KFACLinearOperator(
        network,
        nn.CrossEntropyLoss(),
        list(network.parameters()),
        [(states, labels)],
        fisher_type="empirical",
        separate_weight_and_bias=False,
    )
    dense = theirs @ torch.eye(theirs.shape[1])
    assert len(dense) == sum(parameter.numel() for parameter in network.parameters())
    start = 0
    for block in curvature.blocks:
        weights = block.layer.weight.numel()
        both = weights + block.layer.weight.shape[0]
        ours = torch.kron(block.outputs, block.inputs)
        # theirs has all weights before all biases, ours each unit's bias after its weights
        index = torch.arange(both).reshape(len(block.outputs), -1)
        order = torch.cat([index[:, :-1].flatten(), index[:, -1]])
        torch.testing.assert_close(ours[order][:, order], dense[start : start + both, start : start + both])
        start += both
