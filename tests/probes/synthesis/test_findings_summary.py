from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from probes.synthesis.findings_summary import headline, limits_in_use, order, quantiles, summarise
from probes.synthesis.manifold import Limits
from tests.probes.linear_models import LinearAgent
from tests.probes.searched import RAMP, made_up

SEARCHED = made_up()
RESULT = summarise(SEARCHED, LinearAgent())


def test_findings_are_counted_and_the_shares_have_intervals() -> None:
    assert RESULT["counts"] == {
        "findings": 4,
        "passed": 2,
        "chain_kl": 1,
        "chain_radius": 0,
        "picture_kl": 1,
        "agreement": 1,
        "output_change": 0,
    }
    assert (RESULT["passing"]["value"], RESULT["passing"]["n"]) == (0.5, 4)
    assert RESULT["real"]["passing"]["value"] == pytest.approx(90 / 101)
    assert (RESULT["real"]["states"], RESULT["steps"], RESULT["ended"]) == (101, 3, "steps")


def test_where_j_lies_is_told_of_all_findings_and_of_those_that_pass() -> None:
    assert RESULT["all"]["beyond_99"]["value"] == 0.75
    assert RESULT["all"]["beyond_maximum"]["value"] == 0.5
    assert RESULT["passed"]["beyond_99"] == {**RESULT["passed"]["beyond_99"], "value": 0.5, "n": 2}
    assert RESULT["passed"]["beyond_maximum"]["value"] == 0.0
    assert RESULT["passed"]["objective"]["value"] == pytest.approx((50 + 99.5) / 2)
    assert RESULT["passed"]["median_percentile"] == 74.5


def test_nothing_is_told_of_passing_findings_where_none_passes() -> None:
    failed = {"agreement": np.ones(4, np.bool_)}
    none = replace(SEARCHED, verdicts=replace(SEARCHED.verdicts, failed=failed))
    assert summarise(none, LinearAgent())["passed"] is None


def test_those_that_pass_come_first_and_the_highest_j_before_the_others() -> None:
    assert order(SEARCHED.verdicts).tolist() == [2, 0, 1, 3]
    assert RESULT["order"] == [2, 0, 1, 3]


def test_each_finding_has_its_verdict_its_measures_and_what_the_agent_would_do() -> None:
    row = RESULT["findings"][1]
    assert row["failed"] == ["picture_kl", "agreement"]
    assert (row["passes"], row["beyond_99"], row["beyond_maximum"]) == (False, True, True)
    assert (row["chain"], row["seed"], row["objective_mean"]) == (0, 11, 7.0)
    assert (row["objective"], row["objective_soft"], row["percentile"]) == (120.0, 121.0, 100.0)
    assert (row["chain_kl"], row["chain_radius"], row["picture_kl"]) == (1.0, 3.0, 11.0)
    assert (row["agreement"], row["output_change"], row["value"]) == (0.75, 0.125, -2.0)
    assert row["greedy"] == "brake"
    assert row["policy"] == {"go": pytest.approx(0.25), "brake": pytest.approx(0.75)}
    assert RESULT["findings"][2]["chain"] == 1
    assert RESULT["findings"][2]["seed"] == 2**62


def test_q_values_are_no_policy() -> None:
    row = summarise(SEARCHED, LinearAgent(has_critic=False))["findings"][0]
    assert "policy" not in row
    assert row["scores"] == {"go": 0.0, "brake": pytest.approx(np.log(3))}


def test_limits_are_told_as_quantiles_and_as_numbers() -> None:
    assert limits_in_use(Limits(), SEARCHED.real.measured) == {
        "chain_kl": {"quantile": 0.99, "limit": pytest.approx(99)},
        "chain_radius": {"quantile": 0.99, "limit": pytest.approx(99)},
        "picture_kl": {"quantile": 0.99, "limit": pytest.approx(99)},
        "agreement": {"quantile": 0.05, "limit": pytest.approx(5)},
        "output_change": {"quantile": 0.95, "limit": pytest.approx(99.75)},  # of the 5% of highest J
    }
    assert quantiles(RAMP)["0.25"] == 25.0
    assert RESULT["real"]["quantiles"]["kl"]["1.0"] == 100.0


def test_a_summary_is_plain_data_and_its_headline_is_part_of_it() -> None:
    assert json.loads(json.dumps(RESULT, allow_nan=False)) == RESULT
    first = headline(RESULT)
    assert (first["target"], first["used"]) == ("T-", "V-")
    assert first["counts"] == RESULT["counts"]
    assert first["variety"]["relative"] == RESULT["variety"]["relative"]
    assert first["variety_passing"] is None
