"""Kronecker-factored approximate curvature of linear layers and convolutions, and steps by its inverse.

A layer's block of the Fisher matrix is taken for A (x) S: A the second moment of its inputs, 1 appended for
the bias, S that of the log-likelihood's gradients by its outputs. Linear layers follow Martens & Grosse
(2015, "KFAC"), convolutions Grosse & Martens (2016, "KFC").
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

Layer = nn.Linear | nn.Conv2d

SMALLEST = 1e-30
"""Stands for the mean of a factor's diagonal where that is 0, so that it can be divided by."""


def input_rows(layer: Layer, inputs: Tensor) -> Tensor:
    """Return what a layer's weights are multiplied by, (R, n): a row for each state and place in the picture.

    Args:
        layer: its bias, if it has one, counts as a weight of an input 1, the last of the n.
        inputs: (B, n) of a linear layer, (B, C, H, W) of a convolution.
    """
    if isinstance(layer, nn.Conv2d):
        assert not isinstance(layer.padding, str), "checked by `Curvature`"
        patches = functional.unfold(inputs, layer.kernel_size, layer.dilation, layer.padding, layer.stride)
        rows = patches.transpose(1, 2).flatten(0, 1)  # (B, n, T) -> (B * T, n)
    else:
        rows = inputs
    return functional.pad(rows, (0, 1), value=1.0) if layer.bias is not None else rows


def output_rows(gradients: Tensor) -> Tensor:
    """Return a layer's gradients (B, m) or (B, m, H, W) as (R, m), in the order of `input_rows`."""
    return gradients.flatten(2).transpose(1, 2).flatten(0, 1) if gradients.dim() == 4 else gradients


def factors(layer: Layer, inputs: Tensor, gradients: Tensor) -> tuple[Tensor, Tensor]:
    """Return A (n, n) and S (m, m) of B states.

    Of a convolution A sums over the places of the output and S takes their mean, as in Grosse & Martens
    (2016), Sec. 3: gradients at different places are taken for uncorrelated.

    Args:
        layer: a linear layer, or a convolution without groups.
        inputs: (B, ...), what it was given.
        gradients: (B, ...), of the states' log-likelihoods, not averaged, by what it put out.
    """
    states = len(inputs)
    into, out = input_rows(layer, inputs.float()), output_rows(gradients.float())
    return into.T @ into / states, out.T @ out / len(out)


def damped_inverses(inputs: Tensor, outputs: Tensor, damping: float) -> tuple[Tensor, Tensor]:
    """Return the inverses of A + pi sqrt(damping) I and S + sqrt(damping) / pi I.

    Martens & Grosse (2015), Sec. 6.3: pi^2 is the ratio of A's mean diagonal entry to that of S, and so the
    result is the same however a scale is split between the two. Solved in double precision by Cholesky.

    Raises:
        ArithmeticError: a factor is not finite.
    """
    means = [max((factor.trace() / len(factor)).item(), SMALLEST) for factor in (inputs, outputs)]
    pi, root = math.sqrt(means[0] / means[1]), math.sqrt(damping)
    return _damped_inverse(inputs, pi * root), _damped_inverse(outputs, root / pi)


@dataclass(frozen=True)
class Block:
    """What is known of one layer's curvature; tensors change in place."""

    layer: Layer
    inputs: Tensor
    """A (n, n), a running mean."""
    outputs: Tensor
    """S (m, m), a running mean."""
    inverse_inputs: Tensor
    """(n, n), of the damped A when it was last renewed."""
    inverse_outputs: Tensor
    """(m, m), likewise."""

    @property
    def tensors(self) -> dict[str, Tensor]:
        """All of them by name."""
        names = ("inputs", "outputs", "inverse_inputs", "inverse_outputs")
        return {name: getattr(self, name) for name in names}


class Curvature:
    """The Fisher matrix of a network, one block a layer.

    Args:
        network: linear layers and convolutions, each used once in a forward pass.
        decay: the most that is kept of a running mean at each observation. Until then it is a plain mean.
        damping: added to the Fisher matrix, see `damped_inverses`.
        renewal: observations between two inversions.

    Raises:
        ValueError: a convolution has groups or pads by name or by anything but zeros.
    """

    def __init__(self, network: nn.Module, decay: float, damping: float, renewal: int) -> None:
        layers = [module for module in network.modules() if isinstance(module, nn.Linear | nn.Conv2d)]
        self.blocks = [_empty_block(layer) for layer in layers]
        self._decay = decay
        self._damping = damping
        self._renewal = renewal
        self._observed = torch.zeros(())  # a count; a tensor, so that it is restored like the rest

    def observe(self, likelihood: Callable[[], Tensor]) -> None:
        """Take in the curvature at some states, and renew the inverses when it is time.

        Args:
            likelihood: runs the network on B states and returns the sum () of the log-likelihoods of outputs
                drawn from the network's own distribution; of any others it is not the Fisher matrix.

        Raises:
            ArithmeticError: the curvature is not finite.
        """
        with recorded([block.layer for block in self.blocks]) as seen:
            total = likelihood()
        gradients = torch.autograd.grad(total, [seen[block.layer][1] for block in self.blocks])
        self._observed += 1
        count = int(self._observed.item())
        kept = min(1 - 1 / count, self._decay)
        for block, gradient in zip(self.blocks, gradients, strict=True):
            inputs, outputs = factors(block.layer, seen[block.layer][0], gradient)
            block.inputs.lerp_(inputs, 1 - kept)
            block.outputs.lerp_(outputs, 1 - kept)
        if (count - 1) % self._renewal == 0:
            self.renew()

    def renew(self) -> None:
        """Invert the factors as they are now.

        Raises:
            ArithmeticError: one is not finite.
        """
        for block in self.blocks:
            inverses = damped_inverses(block.inputs, block.outputs, self._damping)
            block.inverse_inputs.copy_(inverses[0])
            block.inverse_outputs.copy_(inverses[1])

    @torch.no_grad()
    def natural_gradients(self) -> dict[Tensor, Tensor]:
        """Return the inverse Fisher matrix times the gradients that the layers' weights hold, by weight."""
        result: dict[Tensor, Tensor] = {}
        for block in self.blocks:
            layer = block.layer
            gradient = _gradient_matrix(layer)
            natural = block.inverse_outputs @ gradient @ block.inverse_inputs
            if layer.bias is not None:
                result[layer.bias] = natural[:, -1]
                natural = natural[:, :-1]
            result[layer.weight] = natural.reshape(layer.weight.shape)
        return result

    def memory(self) -> dict[str, Tensor]:
        """Return all that later steps depend on, live."""
        blocks = {
            f"{name}.{i}": tensor
            for i, block in enumerate(self.blocks)
            for name, tensor in block.tensors.items()
        }
        return {"observed": self._observed, **blocks}


@contextmanager
def recorded(layers: Sequence[Layer]) -> Iterator[dict[Layer, tuple[Tensor, Tensor]]]:
    """Record what each layer is given and puts out, the latter with its graph, by layer."""
    seen: dict[Layer, tuple[Tensor, Tensor]] = {}

    def look(module: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
        assert isinstance(module, nn.Linear | nn.Conv2d)
        assert module not in seen, "each layer is used once"
        seen[module] = (given[0].detach(), output)

    hooks = [layer.register_forward_hook(look) for layer in layers]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _empty_block(layer: Layer) -> Block:
    if isinstance(layer, nn.Conv2d):
        is_plain = layer.groups == 1 and layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
        if not is_plain:
            raise ValueError(
                f"{layer}: groups, and padding other than by a number of zeros, are not known here"
            )
    outputs = layer.weight.shape[0]
    inputs = layer.weight[0].numel() + (layer.bias is not None)

    def square(side: int) -> Tensor:
        return torch.zeros((side, side), device=layer.weight.device)

    return Block(layer, square(inputs), square(outputs), square(inputs), square(outputs))


def _gradient_matrix(layer: Layer) -> Tensor:
    """Return the gradients of weights and bias side by side, (m, n)."""
    assert layer.weight.grad is not None
    gradient = layer.weight.grad.flatten(1)
    if layer.bias is None:
        return gradient
    assert layer.bias.grad is not None
    return torch.cat([gradient, layer.bias.grad.unsqueeze(1)], dim=1)


def _damped_inverse(factor: Tensor, damping: float) -> Tensor:
    damped = factor.double()
    damped.diagonal().add_(damping)
    triangle, broken = torch.linalg.cholesky_ex(damped)
    inverse = torch.cholesky_inverse(triangle).to(factor.dtype)
    if broken.item() or not inverse.isfinite().all():
        raise ArithmeticError(f"a factor of side {len(factor)} cannot be inverted")
    return inverse
