from __future__ import annotations

from pathlib import Path

import pytest

from drivesim.evaluation import Episode
from drivesim.recording import Shot, drive_shots
from probes.agent import ProbeError
from probes.domains.driving_replay import (
    as_outcome,
    can_film,
    drive_seeds,
    film_worst,
    load_driver,
    load_scenario,
    pilot_identity,
)
from probes.replay import Outcome, worst
from tests.render.test_video import read_back

SEEDS = range(7, 13)


def test_an_agent_is_known_by_its_weights_and_a_scripted_driver_by_its_name() -> None:
    agent = pilot_identity("reasonable-seg4")
    assert agent["name"] == "reasonable-seg4"
    assert len(str(agent["digest"])) == 64
    assert pilot_identity("driver:blind") == {"name": "blind", "digest": None}
    with pytest.raises(ProbeError, match="did you mean 'reasonable-seg4'"):
        pilot_identity("resonable-seg4")


def test_what_does_not_exist_or_fit_is_named() -> None:
    with pytest.raises(ProbeError, match="reasonable"):
        load_scenario("resonable")
    with pytest.raises(ProbeError, match="driver:blind"):
        load_driver("driver:blnd", load_scenario("reasonable"))
    with pytest.raises(ProbeError, match="'mixed_field' shows"):
        load_driver("reasonable-seg4", load_scenario("mixed_field"))


def test_only_people_count_as_hits_and_backing_into_one_is_as_hard() -> None:
    person = as_outcome(Episode(3, "person", 12.0, 4.0, 0, -1.5, True))
    assert person == Outcome(3, "person", 12.0, 4.0, is_hit=True, is_avoidable=True, impact=1.5)
    car = as_outcome(Episode(4, "car", 12.0, 4.0, 0, 8.0))
    assert (car.is_hit, car.is_avoidable) == (False, False)


def test_the_blind_driver_hits_people_who_do_not_look_and_none_of_those_who_do() -> None:
    told: list[int] = []
    calm = drive_seeds("driver:blind", "reasonable", SEEDS, told.append)
    wild = drive_seeds("driver:blind", "distracted", SEEDS)
    assert [o.start for o in calm] == [o.start for o in wild] == list(SEEDS)
    assert sum(o.is_hit for o in calm) == 0
    assert sum(o.is_hit for o in wild) >= 3
    assert told[-1] == len(SEEDS)


def hits() -> list[Outcome]:
    return worst(drive_seeds("driver:blind", "distracted", SEEDS))


@pytest.mark.slow
def test_the_worst_hit_is_filmed(tmp_path: Path) -> None:
    pytest.importorskip("pybullet")
    assert can_film()
    (film,) = film_worst("driver:blind", "distracted", hits(), tmp_path, films=1, last_s=0.2)
    assert (film.file, film.seed) == ("blind-distracted-1.mp4", hits()[0].start)
    assert film.impact == pytest.approx(hits()[0].impact)
    assert film.seconds == pytest.approx(0.1)
    assert len(read_back(tmp_path / film.file).frames) > 2


def test_a_hit_that_does_not_happen_again_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, *_ = hits()
    written: list[Path] = []

    def drive_otherwise(*args: object) -> list[Shot]:
        shots = drive_shots(*args)  # type: ignore[arg-type]
        is_first = args[2] == first.start
        return [Shot(shots[-1].towns, "ended: time", None)] if is_first else shots

    monkeypatch.setattr("probes.domains.driving_replay.drive_shots", drive_otherwise)
    monkeypatch.setattr(
        "probes.domains.driving_replay.write_video", lambda path, *_, **__: written.append(path)
    )
    (film,) = film_worst("driver:blind", "distracted", hits(), tmp_path, films=1)
    assert film.seed == second.start
    assert written == [tmp_path / "blind-distracted-1.mp4"]
