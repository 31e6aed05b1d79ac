import json

import pytest

from benchmarks.row import Row


def test_the_keys_of_every_row_come_first_in_their_order() -> None:
    row = Row("reset", "ms", 0.5, "less than 2 ms", True, more={"resets": 300})
    assert list(row.as_json())[:8] == [
        "row",
        "unit",
        "ours",
        "peer",
        "peer_name",
        "floor",
        "ratio_peer",
        "ratio_floor",
    ]
    assert row.as_json()["resets"] == 300


def test_what_does_not_apply_is_null() -> None:
    data = json.loads(json.dumps(Row("reset", "ms", 0.5, "less than 2 ms", True).as_json()))
    assert [data[key] for key in ("peer", "peer_name", "floor", "ratio_peer", "ratio_floor")] == [None] * 5


def test_numbers_are_rounded_and_nan_is_null_at_any_depth() -> None:
    more = {"scenarios": {"empty": [float("nan"), 1.23456789]}}
    assert Row("parity", "share", 1.0, "", True, more=more).as_json()["scenarios"] == {
        "empty": [None, pytest.approx(1.23457, abs=1e-9)]
    }
