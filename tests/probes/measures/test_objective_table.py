from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from probes.measures.objective_table import tell
from probes.synthesis.findings import load_findings, write_findings
from tests.probes.searched import made_up
from tests.probes.toy_sets import toy_subject


def test_the_objectives_of_findings_are_held_against_those_of_held_out_states(tmp_path: Path) -> None:
    subject = toy_subject(tmp_path / "states")
    write_findings(tmp_path / "f", subject, made_up(), {}, {"states": subject.states.path})
    told = tell(load_findings(tmp_path / "f"))
    # J 50, 120, 99.5 and 120 against 0 to 100; the first and the third pass
    assert (told["findings"], told["real_states"], told["agent"]) == (4, 101, "linear-1")
    assert told["target"]["used"] == "V-"
    assert told["passing"]["value"] == 0.5
    assert (told["all"]["beyond_99"]["value"], told["all"]["beyond_maximum"]["value"]) == (0.75, 0.5)
    assert (told["passed"]["beyond_99"]["value"], told["passed"]["beyond_maximum"]["value"]) == (0.5, 0.0)
    # of 101 real J, 50.5 and 100 lie below the two that pass, a tie counting half
    assert told["passed"]["auroc"]["value"] == pytest.approx((50.5 + 100) / 202)
    assert told["real_quantiles"]["0.99"] == 99.0
    assert np.sum(told["histogram"]["real"]) == pytest.approx(1)
    assert np.sum(told["histogram"]["on_manifold"]) == pytest.approx(0.5)
    assert json.loads(json.dumps(told, allow_nan=False)) == told
