"""What agents answer when somebody is put into their way, and what that comes to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from probes.awareness import FAINT, LEVEL, Effect, Evidence, effects, hit_share
from probes.statistics import share

Floats = NDArray[np.float64]

HEADINGS = {"right": 1, "left": -1}
"""Where somebody comes from, and which way he walks then: 1 to the left."""
AHEAD = (5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0)
"""m from the bumper, of the map's rows."""
LEFT = (-4.5, -3.0, -1.5, 0.0, 1.5, 3.0, 4.5, 6.0)
"""m of the ego's centre, of the map's columns."""
SPARE = (0.1, 0.3, 0.5)
"""s until the ego can no longer stop, of those on a collision course."""
OUTCOMES = ("brake", "value")
"""What is asked of an agent: its probability of braking, and its value."""
MIDDLE = LEFT.index(0.0)
"""The column of the ego's lane."""


@dataclass(frozen=True)
class Answers:
    """What one agent says of M moments and does from them; of `OUTCOMES` 2, of `HEADINGS` H."""

    nothing: Floats
    """(2, M), while nobody is there."""
    person: Floats
    """(2, H, ahead, left, M), while a person crosses there."""
    pole: Floats
    """(2, H, ahead, M), of the same pixels in the ego's lane as those of a pole."""
    car: Floats
    """(2, ahead, M), while a car stands in its lane."""
    course: Floats
    """(2, H, spare, M), while a person is on a collision course."""
    course_pole: Floats
    """(2, H, spare, M), likewise of a pole."""
    dangers: NDArray[np.bool_]
    """(H, spare, M), whom it would hit if it went on as alone, and could spare by braking."""
    hits: NDArray[np.bool_]
    """(H, spare, M), whom of these it hits."""

    def evidence(self) -> Evidence:
        """Return what a verdict rests on: of each moment, the mean over all on a collision course."""
        someone, pole = (side.mean((1, 2)) for side in (self.course, self.course_pole))  # (2, M)
        brake, value = OUTCOMES.index("brake"), OUTCOMES.index("value")
        columns = (
            someone[brake] - self.nothing[brake],
            someone[brake] - pole[brake],
            someone[value] - self.nothing[value],
        )
        struck = hit_share(self.hits.sum((0, 1)), self.dangers.sum((0, 1)))
        score, as_person, change = effects(np.stack(columns, axis=1), is_verdict=True)
        return Evidence(score, as_person, change, struck)

    def by_course(self) -> list[dict[str, object]]:
        """List for each collision course how many are in danger, and the share of them who are hit."""
        rows: list[dict[str, object]] = []
        for h, side in enumerate(HEADINGS):
            for s, spare in enumerate(SPARE):
                hits, dangers = int(self.hits[h, s].sum()), int(self.dangers[h, s].sum())
                struck = share(hits, dangers).to_json() if dangers else None
                rows.append({"comes_from": side, "spare": spare, "dangers": dangers, "hits": struck})
        return rows

    def changes(self) -> Changes:
        """Estimate and test the changes at every place, all of them together."""
        nothing = self.nothing
        people = self.person - nothing[:, None, None, None]
        middle = self.person[:, :, :, MIDDLE] - self.pole
        cars = self.car - nothing[:, None]
        parts = [part.reshape(-1, part.shape[-1]) for part in (people, middle, cars)]
        found = effects(np.concatenate(parts).T, is_verdict=False)
        cells = np.empty(len(found), object)
        cells[:] = found
        ends = np.cumsum([len(part) for part in parts])[:-1]
        whole = (people, middle, cars)
        person, beyond, car = (
            some.reshape(part.shape[:-1]) for some, part in zip(np.split(cells, ends), whole, strict=True)
        )
        return Changes(person, beyond, car, people[OUTCOMES.index("brake")].mean((0, -1)))


@dataclass(frozen=True)
class Changes:
    """The effects at every place; arrays of `Effect`."""

    person: NDArray[np.object_]
    """(2, H, ahead, left), a person against nobody."""
    beyond_pole: NDArray[np.object_]
    """(2, H, ahead), a person in the ego's lane against a pole of the same size."""
    car: NDArray[np.object_]
    """(2, ahead), a car that stands in its lane against nobody."""
    map_of_brakes: Floats
    """(ahead, left), mean change of the probability of braking, whichever way the person walks."""

    def is_notable(self) -> NDArray[np.bool_]:
        """Tell at which places of the map (ahead, left) braking changes by more than chance, not faintly."""
        brakes = self.person[OUTCOMES.index("brake")]
        is_shown = np.vectorize(lambda effect: effect.p_adjusted < LEVEL, otypes=[bool])(brakes).any(0)
        notable: NDArray[np.bool_] = is_shown & (np.abs(self.map_of_brakes) >= FAINT)
        return notable

    def to_json(self) -> list[dict[str, object]]:
        """List the effects with what they are of."""
        rows: list[dict[str, object]] = []
        for o, outcome in enumerate(OUTCOMES):
            for a, ahead in enumerate(AHEAD):
                place = {"change_of": outcome, "ahead": ahead}
                for h, side in enumerate(HEADINGS):
                    for k, left in enumerate(LEFT):
                        rows.append(_row(self.person[o, h, a, k], place, "person", left, side))
                    rows.append(_row(self.beyond_pole[o, h, a], place, "person beyond pole", 0.0, side))
                rows.append(_row(self.car[o, a], place, "car", 0.0, None))
        return rows


def _row(
    effect: Effect, place: dict[str, object], what: str, left: float, comes_from: str | None
) -> dict[str, object]:
    return {"what": what, **place, "left": left, "comes_from": comes_from, **effect.to_json()}
