"""Fig. 8 for a page: J of held-out real states beside J of findings, target by target."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from probes.measures.objective_distribution import Comparison, compare_objectives
from probes.synthesis.findings import Findings


def tell(findings: Findings) -> dict[str, Any]:
    """Return plain data of how a search's J compare with real ones.

    Args:
        findings: with the J of the held-out states that the search was held against.
    """
    found = compare_objectives(findings.real_objective, findings.objective, findings.passes)
    histogram = {name: column.tolist() for name, column in asdict(found.histogram).items()}
    return {
        "target": findings.result["target"],
        "agent": findings.result["agent"]["name"],
        "findings": len(findings.objective),
        "real_states": found.real_count,
        "real_quantiles": _named(found.real_quantiles),
        "passing": found.passing.to_json(),
        "all": _tell(found.everything),
        "passed": None if found.on_manifold is None else _tell(found.on_manifold),
        "histogram": histogram,
    }


def _tell(comparison: Comparison) -> dict[str, Any]:
    return {
        "quantiles": _named(comparison.quantiles),
        "beyond_99": comparison.beyond_percentile.to_json(),
        "beyond_maximum": comparison.beyond_maximum.to_json(),
        "auroc": comparison.auroc.to_json(),
    }


def _named(quantiles: dict[float, float]) -> dict[str, float]:
    return {str(quantile): value for quantile, value in quantiles.items()}
