from __future__ import annotations

from pathlib import Path

from probes.domains.study_headlines import played, shared_headlines
from probes.statistics import Estimate
from tests.probes.domains.shelves import goggles, toy_shelf, write


def test_what_is_known_has_a_number_with_its_source(tmp_path: Path) -> None:
    shelf = toy_shelf(tmp_path)
    beyond, kept = shared_headlines(shelf, played(shelf))
    assert beyond.source.kind == "objective"
    assert (kept.source.kind, kept.estimate, kept.unit) == ("goggles", Estimate(0.75, 0.625, 0.875, 20), "%")


def test_a_share_that_has_no_interval_is_left_out(tmp_path: Path) -> None:
    shelf, told = toy_shelf(tmp_path), goggles()
    told["table"]["rows"]["crisp"]["kept"] = None
    write(tmp_path, "goggles", told)
    (beyond,) = shared_headlines(shelf, played(shelf))
    assert beyond.source.kind == "objective"
