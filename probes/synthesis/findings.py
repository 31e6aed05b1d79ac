"""Findings on disk: the states that a search synthesised, how it went, and what the checks say of each."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from probes.agent import NamedAgent, ProbeError
from probes.artifacts import artifact
from probes.artifacts.manifest import Manifest
from probes.data.state_set import StateSet, require_states
from probes.states import StateLayout
from probes.synthesis.findings_summary import summarise
from probes.synthesis.manifold import Limits, extremes
from probes.synthesis.search_config import SearchConfig
from probes.synthesis.synthesise import LIMITS, Searched, Subject
from probes.synthesis.targets import ACTION_PREFIX, TARGETS, Target, TargetConfig, target_name
from probes.user_function import source_digest

KIND = "findings"
RESULT = "result.json"
HIGHEST = 8
"""Real states of the highest J that are kept to be shown beside the findings."""
CURVES = ("objective", "kl", "alpha", "radius", "gamma")
"""The first axis of `curves`."""


@dataclass(frozen=True, eq=False)
class Findings:
    """What a search for one target left; arrays are mapped."""

    path: Path
    manifest: Manifest
    result: dict[str, Any]
    """As `findings_summary.summarise` returns it, and `agent`, `model`, `layout`."""
    layout: StateLayout
    stored: NDArray[np.uint8]
    """(K D, T, M, H, W) the states, in the order of the chains."""
    stored_mean: NDArray[np.uint8]
    """(K, T, M, H, W) what each chain's mean decodes to."""
    mu: NDArray[np.float16]
    """(K, n)"""
    log_sigma: NDArray[np.float16]
    """(K, n)"""
    z: NDArray[np.float32]
    """(K D, n) decode to the states."""
    curves: NDArray[np.float32]
    """(5, S, K), by `CURVES`."""
    real_objective: NDArray[np.float64]
    """(R,) J of the held-out states."""
    real_indices: NDArray[np.int64]
    """(R,) which states of the set those are."""
    real_highest: NDArray[np.uint8]
    """(E, T, M, H, W) those of them with the highest J, the highest first."""

    @property
    def name(self) -> str:
        """What was searched for, as a directory is named."""
        return slug(str(self.result["target"]["name"]), str(self.result["target"]["used"]))

    @property
    def objective(self) -> NDArray[np.float64]:
        """(K D,) J."""
        return np.array([row["objective"] for row in self.result["findings"]])

    @property
    def passes(self) -> NDArray[np.bool_]:
        """(K D,) which pass the checks."""
        return np.array([row["passes"] for row in self.result["findings"]], np.bool_)

    @property
    def real_extreme(self) -> NDArray[np.int64]:
        """(E,) which states of the set findings are set beside: those of the highest J, the highest first."""
        return self.real_indices[extremes(self.real_objective)]

    @property
    def order(self) -> NDArray[np.int64]:
        """(K D,) those that pass before the others, the highest J first."""
        return np.array(self.result["order"], np.int64)


ARRAYS = (
    "stored", "stored_mean", "mu", "log_sigma", "z", "curves",
    "real_objective", "real_indices", "real_highest",
)  # fmt: skip


def slug(name: str, used: str) -> str:
    """Return a target's name as a directory may be called: `t-minus` for T-, `action-brake` for brake.

    Args:
        name: the target's.
        used: name of its formula, which an action's name leads to.
    """
    name = used if used.startswith(ACTION_PREFIX) else target_name(name)
    if name in TARGETS:
        for sign, word in (("±", "-plus-minus"), ("+", "-plus"), ("-", "-minus")):
            if name.endswith(sign):
                return name.removesuffix(sign).lower() + word
    return "".join(letter if letter.isalnum() or letter in "_-" else "-" for letter in name)


def manifest_config(
    subject: Subject, target: Target, targets: TargetConfig, config: SearchConfig, limits: Limits = LIMITS
) -> dict[str, Any]:
    """Return what decides findings besides the states and the model."""
    search = {name: value for name, value in asdict(config).items() if name != "seed"}
    return {
        "target": {
            "name": target.name,
            "beta_relative": targets.beta_relative,
            "soft": targets.soft,
            "source": _source_digest(target),
        },
        "search": search,
        "limits": asdict(limits),
        **({} if subject.could_be is None else {"could_be": True}),
        "agent": _named(subject.agent),
        "real_states": len(subject.reference.indices),
    }


def write_findings(
    path: Path, subject: Subject, searched: Searched, config: dict[str, Any], parents: dict[str, Path]
) -> dict[str, Any]:
    """Write the artifact of a search.

    Args:
        path: of its directory.
        subject: what was searched.
        searched: what was found.
        config: as `manifest_config` returns it.
        parents: `states` and `model`.

    Returns:
        what `result.json` holds.
    """
    finding, real = searched.finding, searched.real
    result = {
        "agent": {
            **_named(subject.agent),
            "actions": list(subject.agent.actions),
            "has_critic": subject.agent.has_critic,
        },
        "layout": subject.model.layout.to_json(),
        **summarise(searched, subject.agent),
    }
    arrays: dict[str, NDArray[Any]] = {
        "stored": finding.stored,
        "stored_mean": finding.stored_mean,
        "mu": finding.mu.astype(np.float16),
        "log_sigma": finding.log_sigma.astype(np.float16),
        "z": finding.z,
        "curves": np.stack([getattr(finding.curve, name) for name in CURVES]).astype(np.float32),
        "real_objective": real.measured.objective,
        "real_indices": subject.reference.indices,
        "real_highest": real.stored_extreme[:HIGHEST],
    }
    seed = int(finding.settings["search"]["seed"])
    with artifact.writing(path, KIND, config=config, seed=seed, parents=parents) as scratch:
        for name in ARRAYS:
            np.save(scratch / f"{name}.npy", arrays[name])
        artifact.write_json(scratch / RESULT, result)
    return result


def load_findings(path: Path, verify: bool = True) -> Findings:
    """Open findings.

    Raises:
        ProbeError: there are none, or they are damaged.
    """
    manifest = artifact.load(path, KIND, verify)
    result = artifact.read_json(path / RESULT)
    try:
        arrays = {name: np.asarray(np.load(path / f"{name}.npy", mmap_mode="r")) for name in ARRAYS}
        return Findings(path, manifest, result, StateLayout.from_json(result["layout"]), **arrays)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ProbeError(
            f"{path}: not findings that this program can read ({error!r}); "
            f"delete them and run `{manifest.command}` again"
        ) from error


def load_findings_of(path: Path, states: StateSet) -> Findings:
    """Open findings that were searched with these states.

    Raises:
        ProbeError: there are none, they are damaged, or they were searched with others.
    """
    found = load_findings(path)
    require_states(found.manifest, states)
    return found


def _named(agent: NamedAgent) -> dict[str, str]:
    return {"name": agent.name, "digest": agent.digest}


def _source_digest(target: Target) -> str | None:
    """Return the sha256 of a user's module; None of other targets."""
    is_ours = target.name in TARGETS or target.used.startswith(ACTION_PREFIX)
    return None if is_ours else source_digest(target.name)
