from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from drivesim.drivers import blind, expert, parked
from drivesim.envs.snapshot import Snapshot
from drivesim.pilots import ScriptedPilot
from probes.domains.awareness_drives import Recorder, drive_pairs
from probes.domains.awareness_moments import on_course, with_person
from tests.probes.domains.clear_moments import drawn
from tests.towns import scenario

Flags = NDArray[np.bool_]


def driven(pilot: ScriptedPilot, spare: float = 0.5) -> tuple[Flags, Flags, int]:
    """Drive on among people from the right and from the left; return dangers, hits, and pairs counted."""
    moments = drawn()
    pairs: list[None] = []
    courses = [
        Snapshot(with_person(moments, *on_course(moments, spare, heading), heading)[-1])
        for heading in (1, -1)
    ]
    start = Snapshot(moments.now)
    dangers, hits = drive_pairs(pilot, scenario(), start, courses, moments.slot, lambda: pairs.append(None))
    return dangers, hits, len(pairs)


def test_who_knows_nothing_of_people_hits_all_who_are_in_danger() -> None:
    dangers, hits, pairs = driven(ScriptedPilot(blind))
    assert dangers.shape == (2, len(drawn()))
    assert dangers.all()
    assert hits.all()
    assert pairs == 3


def test_who_yields_hits_nobody_of_those_he_would_have_hit() -> None:
    dangers, hits, _ = driven(ScriptedPilot(expert))
    assert dangers.all()
    assert not hits.any()


def test_who_stands_anyway_endangers_nobody() -> None:
    dangers, hits, _ = driven(ScriptedPilot(parked))
    assert not dangers.any()
    assert not hits.any()


def test_whom_nobody_could_spare_is_in_no_danger_that_counts() -> None:
    dangers, _, _ = driven(ScriptedPilot(blind), spare=-0.6)
    assert not dangers.any()


def test_a_record_is_driven_by_again_and_its_end_is_held() -> None:
    record, towns = Recorder(), drawn().now
    controls = np.array([[0.5, 0.0, 0.0]])
    record.keep(towns, controls)
    controls[:] = 0.25
    record.keep(towns, controls)
    record.keep(towns, None)
    once, again = record.again(), record.again()
    nothing = np.zeros(0, np.uint8)
    assert [once(None, nothing)[0, 0] for _ in range(3)] == [0.5, 0.25, 0.25]  # type: ignore[arg-type]
    assert again(None, nothing)[0, 0] == pytest.approx(0.5)  # type: ignore[arg-type]
