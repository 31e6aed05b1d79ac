"""What the episodes that end during training have to say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


class EpisodeStatistics:
    """Sums up running episodes and averages those that ended since last asked.

    Besides return and length it averages whatever numbers the environment reports about an ending: when
    `infos` (or, in same-step autoreset, `infos["final_info"]`) holds a dictionary `episode` of arrays (N,)
    and a mask `_episode` (N,), as gymnasium's vector RecordEpisodeStatistics writes them, each of its numeric
    entries is averaged over the masked environments.

    Args:
        num_envs: N.
    """

    def __init__(self, num_envs: int) -> None:
        self.returns = np.zeros(num_envs, dtype=np.float64)
        self.lengths = np.zeros(num_envs, dtype=np.int64)
        self._ended: defaultdict[str, list[float]] = defaultdict(list)

    def observe(
        self,
        rewards: NDArray[np.float32],
        valid: NDArray[np.bool_],
        ended: NDArray[np.bool_],
        infos: Mapping[str, Any],
    ) -> None:
        """Take in one step of all environments.

        Args:
            rewards: (N,).
            valid: (N,) False where the step only reset the environment.
            ended: (N,) whether the episode ended with this step.
            infos: as the environment returned them.
        """
        self.returns += np.where(valid, rewards, 0.0)
        self.lengths += valid
        if not ended.any():
            return
        self._ended["mean_return"] += self.returns[ended].tolist()
        self._ended["mean_length"] += self.lengths[ended].tolist()
        self.returns[ended] = 0.0
        self.lengths[ended] = 0
        self._observe_infos(infos)

    def summary(self) -> dict[str, float | None]:
        """Return the averages over the episodes that ended since the last call; None where there was none."""
        ended = self._ended
        self._ended = defaultdict(list)
        result: dict[str, float | None] = {"episodes": len(ended["mean_return"])}
        result |= {name: float(np.mean(values)) if values else None for name, values in ended.items()}
        return {**result, "mean_length": result.get("mean_length")}

    def _observe_infos(self, infos: Mapping[str, Any]) -> None:
        for info in (infos, infos.get("final_info")):
            if not isinstance(info, Mapping) or "episode" not in info or "_episode" not in info:
                continue
            for name, values in info["episode"].items():
                array = np.asarray(values)
                if not name.startswith("_") and array.dtype.kind in "biuf" and array.ndim == 1:
                    self._ended[f"episode/{name}"] += array[info["_episode"]].astype(float).tolist()
