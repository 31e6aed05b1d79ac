"""Targets: what a synthesised state is to make the agent say, as scores J; higher is more (Sec. 2.3).

The paper minimises T- and would have to maximise the others; here every J is maximised, so a sign is in the
formula and nowhere else. A policy's logits are defined up to a shift, so of an actor-critic only T± acts on
them: T- and S- mean V-, T+ and S+ mean V+, and `Target.used` says which. J is divided by its standard
deviation over the data set, so that the search's alpha means the same for every agent and target.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from probes.agent import Agent, AgentOutput, ProbeError, action_index
from probes.synthesis.user_target import load_user_target

TargetFunction = Callable[[AgentOutput, Tensor], Tensor]
"""From an agent's output of B states, and the states (B, T, C, H, W), to J (B,)."""

SoftKind = Literal["weighted", "logsumexp"]
ALIASES = {"T+-": "T±", "T-+": "T±", "T∓": "T±"}
ACTION_PREFIX = "action:"


def soft_maximum(scores: Tensor, beta: float, kind: SoftKind = "weighted") -> Tensor:
    """Return the soft maximum (B,) of scores (B, A): sum_i q_i e^{beta q_i} / sum_k e^{beta q_k}.

    Args:
        scores: q.
        beta: sharpness, above 0, in units of 1/q.
        kind: `weighted` as above (Sec. 2.3), whose derivative is negative for q_j < T - 1/beta; `logsumexp`,
            log(mean_i e^{beta q_i}) / beta, whose derivative never is.
    """
    # log_softmax and logsumexp subtract the maximum before they exponentiate
    if kind == "logsumexp":
        return (torch.logsumexp(beta * scores, dim=1) - math.log(scores.shape[1])) / beta
    return (torch.softmax(beta * scores, dim=1) * scores).sum(1)


def soft_minimum(scores: Tensor, beta: float, kind: SoftKind = "weighted") -> Tensor:
    """Return the soft minimum (B,) of scores (B, A), minus the soft maximum of minus them."""
    return -soft_maximum(-scores, beta, kind)


def log_policy(output: AgentOutput, temperature: float) -> Tensor:
    """Return log-probabilities (B, A) of softmax(scores / temperature)."""
    return torch.log_softmax(output.scores / temperature, dim=1)


def entropy(log_probabilities: Tensor) -> Tensor:
    """Return the entropy (B,) in nats of log-probabilities (B, A)."""
    return -(log_probabilities.exp() * log_probabilities).sum(1)


@dataclass(frozen=True)
class Region:
    """Where `blind` looks for a person, and which actions would brake; a domain knows both."""

    channel: int
    """The person's class among a state's C channels."""
    weights: Tensor
    """(H, W) at least 0: how much a pixel counts as within the stopping path."""
    enough: float
    """Weighted pixels of person that make a person; more add nothing to J."""
    brakes: tuple[int, ...]
    """Indices of the actions that brake."""
    gain: float = 5.0
    """What a whole person adds to J, in nats: it outweighs a brake probability up to 1 - e^-5 = 0.993, so
    that a state without a person is never worth more than one with a person for whom the agent brakes."""


def person_presence(states: Tensor, region: Region) -> Tensor:
    """Return how much of a person (B,) stands in the region of the newest frame, 0 to 1, saturating."""
    person = states[:, -1, region.channel]  # (B, H, W)
    mass = (person * region.weights.to(person)).sum((1, 2))
    return (mass / region.enough).clamp(max=1.0)


def blind(output: AgentOutput, states: Tensor, region: Region, temperature: float = 1.0) -> Tensor:
    """Return how much a person is in the way and the agent does not brake (B,).

    gain * presence + log(1 - p(brake)); presence saturates, or a crowd would outweigh the braking.
    """
    policy = log_policy(output, temperature)
    others = [index for index in range(policy.shape[1]) if index not in region.brakes]
    return region.gain * person_presence(states, region) + torch.logsumexp(policy[:, others], dim=1)


@dataclass(frozen=True)
class TargetConfig:
    """Settings of the targets."""

    beta_relative: float = 5.0
    """beta times the spread of the scores: an action one spread below the best weighs e^-5 of it. The paper
    gives no beta."""
    soft: SoftKind = "weighted"
    """Formula of the soft maximum."""
    region: Region | None = None
    """Needed by `blind` alone."""


@dataclass(frozen=True)
class Target:
    """A resolved target: call it with an output and its states for J (B,), in standard deviations."""

    name: str
    used: str
    """Name of the formula that was used, `V-` for T- of an actor-critic."""
    description: str
    """What a high J finds, as the end of a sentence that begins with 'It looks for'."""
    scale: float
    """Standard deviation of the undivided J over the data set."""
    beta: float
    """Of the soft maximum, in 1/score."""
    function: TargetFunction = field(repr=False)
    """The undivided J."""

    def __call__(self, output: AgentOutput, states: Tensor) -> Tensor:
        """Return J (B,) of an agent's output and the states (B, T, C, H, W) that it judged."""
        return self.function(output, states) / self.scale

    def to_json(self) -> dict[str, str | float]:
        """Return what tells a reader which J was used."""
        names = ("name", "used", "description", "scale", "beta")
        return {name: getattr(self, name) for name in names}


class Context(NamedTuple):
    """What a formula may depend on besides the output and the states."""

    beta: float
    temperature: float
    """1 for logits; for Q-values the spread by which they are divided to make a policy."""
    config: TargetConfig


class Formula(NamedTuple):
    """One row of the table of targets."""

    description: str
    j: Callable[[AgentOutput, Tensor, Context], Tensor]


def _high(output: AgentOutput, context: Context) -> Tensor:
    return soft_maximum(output.scores, context.beta, context.config.soft)


def _low(output: AgentOutput, context: Context) -> Tensor:
    return soft_minimum(output.scores, context.beta, context.config.soft)


def _blind(output: AgentOutput, states: Tensor, context: Context) -> Tensor:
    region = context.config.region
    if region is None:
        raise ProbeError("target 'blind' needs the region in which a person counts; this domain gives none")
    return blind(output, states, region, context.temperature)


TARGETS: dict[str, Formula] = {
    "T-": Formula("states where even the best action is worth little", lambda o, _, c: -_high(o, c)),
    "T+": Formula("states where even the worst action is worth much", lambda o, _, c: _low(o, c)),
    "T±": Formula("critical states: one action good, another bad", lambda o, _, c: _high(o, c) - _low(o, c)),
    "S+": Formula("states that are good overall", lambda o, _, __: o.scores.sum(1)),
    "S-": Formula("states that are bad overall", lambda o, _, __: -o.scores.sum(1)),
    "V+": Formula("states of which the agent expects much", lambda o, _, __: o.value),
    "V-": Formula("states of which the agent expects little", lambda o, _, __: -o.value),
    "uncertain": Formula(
        "states in which the agent's policy is undecided",
        lambda o, _, c: entropy(log_policy(o, c.temperature)),
    ),
    "blind": Formula("states with a person in the stopping path for whom the agent does not brake", _blind),
}

OF_CRITIC = {"T-": "V-", "T+": "V+", "S-": "V-", "S+": "V+"}
"""What a name means for an actor-critic."""


def score_spread(scores: NDArray[np.floating]) -> float:
    """Return the spread of scores (N, A): the root mean square distance from their mean within a state.

    Not the spread between states: that is often many times larger, and a beta relative to it would make the
    soft maximum a mean. For logits it does not depend on their arbitrary shift.

    Raises:
        ProbeError: the agent scores all actions alike in every state.
    """
    within = np.asarray(scores, np.float64)
    spread = float(np.sqrt(np.mean((within - within.mean(1, keepdims=True)) ** 2)))
    if not spread > 0.0:
        raise ProbeError(
            f"the agent's scores differ between no two actions in {len(within)} states, or are NaN"
        )
    return spread


def action_target(index: int, name: str, has_critic: bool) -> tuple[str, TargetFunction]:
    """Return the description and J of an action: q_a of a DQN, log pi(a) of an actor-critic."""
    if has_critic:
        return f"states in which the agent would choose {name!r}", lambda o, _: o.log_policy[:, index]
    return f"states in which {name!r} is worth much", lambda o, _: o.scores[:, index]


def _look_up(name: str, agent: Agent, context: Context) -> tuple[str, str, TargetFunction]:
    """Find a target's used name, description and undivided J."""
    if name in TARGETS:
        used = OF_CRITIC.get(name, name) if agent.has_critic else name
        description, j = TARGETS[used]
        return used, description, lambda output, states: j(output, states, context)
    action = name.removeprefix(ACTION_PREFIX)
    if action in agent.actions or name.startswith(ACTION_PREFIX):
        index = action_index(agent.actions, action)
        return ACTION_PREFIX + action, *action_target(index, action, agent.has_critic)
    if ":" in name:
        return name, f"states for which the user's {name} is high", load_user_target(name)
    known = [*TARGETS, *(ACTION_PREFIX + one for one in agent.actions)]
    near = get_close_matches(name, [*known, *agent.actions], 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ProbeError(f"unknown target {name!r}: allowed are {', '.join(known)} and module:function{hint}")


def _over_data(
    function: TargetFunction, agent: Agent, recorded: AgentOutput, states: Iterable[Tensor] | None
) -> Tensor:
    """Return the undivided J of the data set: of the recorded outputs, or of batches of states."""
    with torch.no_grad():
        if states is None:
            return function(recorded, torch.empty(0))
        return torch.cat([function(agent(batch), batch) for batch in states])


def target_name(name: str) -> str:
    """Return the name that a command line's spelling stands for: `T+-` for T±."""
    return ALIASES.get(name, name)


def looks_at_states(name: str, agent: Agent) -> bool:
    """Tell whether a target's J needs the states too, so that `resolve` must be given some."""
    name = target_name(name)
    is_action = name in agent.actions or name.startswith(ACTION_PREFIX)
    return name == "blind" or (":" in name and not is_action)


def resolve(
    name: str,
    agent: Agent,
    recorded: AgentOutput,
    config: TargetConfig = TargetConfig(),
    states: Iterable[Tensor] | None = None,
) -> Target:
    """Make a target ready for an agent.

    Args:
        name: of `TARGETS`, an alias, an action's name with or without `action:`, or `module:function`.
        agent: whose states are sought.
        recorded: its scores (N, A) and values (N,) of the data set, for beta and for J's scale.
        config: settings.
        states: batches (B, T, C, H, W) of recorded states on the agent's device, only read for targets that
            look at states.

    Raises:
        ProbeError: the name is unknown, its user function does not fit, or its J is the same everywhere.
    """
    name = target_name(name)
    spread = score_spread(recorded.scores.detach().cpu().numpy())
    beta = config.beta_relative / spread
    context = Context(beta, 1.0 if agent.has_critic else spread, config)
    used, description, function = _look_up(name, agent, context)
    if not looks_at_states(name, agent):
        states = None
    elif states is None:
        raise ProbeError(f"target {name!r} looks at states: give some of the data set for its scale")
    values = _over_data(function, agent, recorded, states)
    scale = float(values.double().std(correction=0))
    if not (np.isfinite(scale) and scale > 1e-12 * max(1.0, float(values.abs().max()))):
        raise ProbeError(
            f"target {name!r} ({used}) has spread {scale:g} over {len(values)} states: nothing to climb"
        )
    return Target(name, used, description, scale, beta, function)
