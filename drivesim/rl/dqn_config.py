"""What may be set of deep Q-learning, and what of it falls as the run goes on."""

from __future__ import annotations

from dataclasses import dataclass

from drivesim.rl.descent import Precision


@dataclass(frozen=True)
class DQNConfig:
    """How to learn. Steps and discount are the paper's; what it leaves open follows Rainbow (Hessel et al.
    2018), with batches four times as large and as rare, which a processor gets through faster."""

    total_steps: int = 2_000_000
    """Environment steps, summed over environments, as all steps here."""
    discount: float = 0.95
    n_step: int = 3
    """Rewards that are summed before the network's own estimate takes over; 1 is Mnih's."""
    is_double: bool = True
    """Whether the trained network chooses the action that the target network values; else that does both."""
    batch_size: int = 128
    """States of an update."""
    steps_per_update: int = 16
    """Either it or the number of environments must be a multiple of the other."""
    learning_rate: float = 2.5e-4
    """Of Adam, which unlike Mnih's RMSprop corrects for its start and is what later DQNs are tuned with:
    Rainbow's 6.25e-5 for batches of 32, in proportion to the batch. It falls; see `learning_rate_at`."""
    adam_epsilon: float = 1.5e-4
    max_gradient_norm: float = 10.0
    target_period: int = 8_000
    """Steps after which the target network becomes a copy of the trained one."""
    epsilon_start: float = 1.0
    """Probability of a random action at step 0."""
    epsilon_end: float = 0.01
    """From `epsilon_steps` on."""
    epsilon_steps: int = 200_000
    learning_starts: int = 20_000
    """Steps before the first update."""
    replay_frames: int = 250_000
    """Frames that the replay holds, over all environments; 84x84 gray ones take 1.8 GB."""
    averaged_updates: int = 5_000
    """The agent of a run is the average of the weights over so many updates; see `RunningAverage`. 1 is the
    trained network itself."""
    clip_rewards: bool = True
    """Whether to learn from rewards cut to [-1, 1]; returns are always reported as they were paid."""
    seed: int = 0
    """Of the environments' first reset, of random actions and of what is drawn from the replay."""
    device: str = "cpu"
    """`cpu` or `cuda`."""
    precision: Precision = "float32"
    """Of convolutions and matrix products; weights and losses stay float32. See `fastest_precision`."""

    def __post_init__(self) -> None:
        counts = ("total_steps", "n_step", "batch_size", "steps_per_update", "target_period", "epsilon_steps")
        for name in (*counts, "averaged_updates"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, it must be at least 1")
        for name in ("discount", "epsilon_start", "epsilon_end"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}, it must lie in 0 to 1")


def epsilon_at(step: int, config: DQNConfig) -> float:
    """Return the probability of a random action: linear in the step, then constant."""
    progress = min(step / config.epsilon_steps, 1.0)
    return config.epsilon_start + progress * (config.epsilon_end - config.epsilon_start)


def learning_rate_at(step: int, config: DQNConfig) -> float:
    """Return Adam's rate: it falls to a tenth, in proportion to the steps that are left.

    Held constant it left Pong's policy swinging: after 1.2 million steps games ended anywhere from -17 to 20.
    """
    return config.learning_rate * max(0.1, 1 - step / config.total_steps)
