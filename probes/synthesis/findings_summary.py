"""What a page tells of a search: where its findings lie, which hold, and why others do not."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from probes import statistics
from probes.agent import Agent
from probes.synthesis.finding import Finding
from probes.synthesis.manifold import Limits, Verdicts
from probes.synthesis.round_trip import Floats, Measured
from probes.synthesis.synthesise import Searched
from probes.synthesis.variety import Variety

QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)


def summarise(searched: Searched, agent: Agent) -> dict[str, Any]:
    """Return plain data of a search, everything but its arrays.

    Args:
        searched: what was found.
        agent: whose actions are named.
    """
    finding, verdicts, real = searched.finding, searched.verdicts, searched.real
    passes = verdicts.passes
    return {
        "target": searched.target.to_json(),
        "settings": finding.settings,
        "ended": finding.ended,
        "steps": len(finding.curve.objective),
        "counts": {"findings": len(passes), **verdicts.counts()},
        "passing": statistics.share(int(passes.sum()), len(passes)).to_json(),
        "all": _standing(verdicts, np.ones(len(passes), np.bool_)),
        "passed": _standing(verdicts, passes) if passes.any() else None,
        "variety": _plain(searched.variety),
        "variety_passing": _plain(searched.variety_passing),
        "limits": limits_in_use(searched.limits, real.measured),
        "real": {
            "states": len(real.measured.kl),
            "passing": statistics.share(
                round(verdicts.real_pass_share * len(real.measured.kl)), len(real.measured.kl)
            ).to_json(),
            "quantiles": {name: quantiles(values) for name, values in vars(real.measured).items()},
        },
        "order": order(verdicts).tolist(),
        "findings": [_row(searched, agent, draw) for draw in range(len(passes))],
        "curve": finding.curve.summary(),
    }


def headline(result: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers of a summary that a reader wants first."""
    names = ("counts", "passing", "all", "passed", "variety", "variety_passing")
    return {"target": result["target"]["name"], "used": result["target"]["used"]} | {
        name: result[name] for name in names
    }


def order(verdicts: Verdicts) -> NDArray[np.int64]:
    """Return the findings' indices (K D,): those that pass before the others, the highest J first."""
    return np.lexsort((-verdicts.measured.objective, ~verdicts.passes)).astype(np.int64)


def limits_in_use(limits: Limits, real: Measured) -> dict[str, dict[str, float]]:
    """Return for each reason of failure the quantile of the real states, and the number that it is."""
    numbers = limits.numbers(real)
    shares = (limits.kl, limits.radius, limits.kl, limits.agreement, limits.output_change)
    return {
        reason: {"quantile": share, "limit": limit}
        for (reason, limit), share in zip(numbers.items(), shares, strict=True)
    }


def quantiles(values: Floats) -> dict[str, float]:
    """Return `QUANTILES` of values (N,) by their names."""
    return dict(zip(map(str, QUANTILES), np.quantile(values, QUANTILES).tolist(), strict=True))


def _standing(verdicts: Verdicts, chosen: NDArray[np.bool_]) -> dict[str, Any]:
    """Say where the J of some findings lies among the real states'."""
    number = int(chosen.sum())
    j, percentile = verdicts.measured.objective[chosen], verdicts.percentile[chosen]
    return {
        "objective": statistics.mean(j).to_json(),
        "median_percentile": float(np.median(percentile)),
        "beyond_99": statistics.share(int(verdicts.beyond_99[chosen].sum()), number).to_json(),
        "beyond_maximum": statistics.share(int(verdicts.beyond_maximum[chosen].sum()), number).to_json(),
    }


def _plain(variety: Variety | None) -> dict[str, Any] | None:
    return None if variety is None else variety.to_json()


def _row(searched: Searched, agent: Agent, draw: int) -> dict[str, Any]:
    """Describe one finding."""
    finding, verdicts = searched.finding, searched.verdicts
    chain = draw // (len(finding.z) // len(finding.mu))
    measures: dict[str, NDArray[Any]] = {
        "objective": verdicts.measured.objective,
        "objective_soft": finding.objective_soft,
        "percentile": verdicts.percentile,
        "chain_kl": verdicts.kl,
        "chain_radius": verdicts.radius,
        "picture_kl": verdicts.measured.kl,
        "agreement": verdicts.measured.agreement,
        "output_change": verdicts.measured.output_change,
        "value": finding.value,
    }
    return {
        "chain": chain,
        "seed": int(finding.seeds[chain]),
        "passes": bool(verdicts.passes[draw]),
        "failed": [reason for reason, failed in verdicts.failed.items() if failed[draw]],
        "beyond_99": bool(verdicts.beyond_99[draw]),
        "beyond_maximum": bool(verdicts.beyond_maximum[draw]),
        **{name: float(values[draw]) for name, values in measures.items()},
        "objective_mean": float(finding.objective_mean[chain]),
        **_choice(finding, agent, draw),
    }


def _choice(finding: Finding, agent: Agent, draw: int) -> dict[str, Any]:
    """Say what the agent would do in a finding."""
    scores = finding.scores[draw].astype(np.float64)
    named: dict[str, Any] = {"greedy": agent.actions[int(scores.argmax())], "scores": _by_name(agent, scores)}
    if agent.has_critic:
        weights = np.exp(scores - scores.max())
        named["policy"] = _by_name(agent, weights / weights.sum())
    return named


def _by_name(agent: Agent, numbers: Floats) -> dict[str, float]:
    return dict(zip(agent.actions, numbers.tolist(), strict=True))
