from __future__ import annotations

from probes.cli.numbers import in_brackets


def test_an_estimate_is_written_with_its_interval() -> None:
    estimate = {"value": 0.95, "low": 0.9, "high": 1.0, "n": 20}
    assert in_brackets(estimate, ".2f") == "0.95 [0.90, 1.00]"
    assert in_brackets(estimate, ".0%") == "95% [90%, 100%]"


def test_what_could_not_be_estimated_is_unknown() -> None:
    assert in_brackets(None) == "unknown"
