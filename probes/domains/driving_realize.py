"""From a driving state to the town that it shows: read, refined through the ray caster, and judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from drivesim.render.semantics import CLASS_NAMES
from drivesim.scenario.schema import Scenario
from probes.agent import Agent
from probes.domains.likeness import LEAST_OVERLAP, MARGIN, Thing, Wanted, find_things
from probes.domains.scenes import MOVING, class_pictures
from probes.domains.town_proposals import Proposer
from probes.domains.town_reading import Reader
from probes.domains.town_sketch import ABSENT, BODY, EGO, Body, Canvas, Floats, Sketch, Sketcher
from probes.domains.viewpoint import make_viewpoint
from probes.realize import DEFAULT, RefineConfig, refine
from probes.states import StateLayout

LEAST_AGREEMENT = 0.9
"""Share of pixels."""

_LANE_SCALE = 0.15
"""m that a car may be off its lane's middle."""
_EGO_SCALE = (0.6, 0.2, 0.02, 1.0)
"""m, m, rad and m/s that a first reading of the ego may be off."""
ROUNDS = 3
"""Of finding bodies and refining all numbers; later ones find who was hidden by an error."""
_LEAST_GAIN = 1e-4
_KEPT = 3
"""Of those proposed for a piece."""
_FARTHEST = 5.0
_REACH = 0.35
"""Of the side of a square as large as what shows of somebody: the margin around it."""
_OUTPUT_WEIGHT = 0.02
"""Of a standard deviation, beside the cost of pictures."""


@dataclass(frozen=True, eq=False)
class Realised:
    """What a state was taken back to."""

    sketch: Sketch
    drawn: NDArray[np.uint8]
    """(T, M, H, W), what the ego sees there."""
    agreement: float
    """Share of all frames' pixels whose class is the state's."""
    things: tuple[Thing, ...]
    output_gap: float
    """Root mean square difference of the agent's scores and value, in standard deviations."""

    @property
    def is_realised(self) -> bool:
        """Whether enough of it agrees, and each thing is found again."""
        return not self.reasons

    @property
    def reasons(self) -> list[str]:
        """Why the state is not realised; nothing if it is."""
        reasons = []
        if self.agreement < LEAST_AGREEMENT:
            reasons.append(f"{self.agreement:.0%} of the pixels agree, of {LEAST_AGREEMENT:.0%}")
        for thing in self.things:
            if thing.overlap < LEAST_OVERLAP:
                reasons.append(
                    f"a {CLASS_NAMES[thing.semantic]} of {thing.area} pixels overlaps by {thing.overlap:.0%}"
                )
        return reasons


class Realiser:
    """Takes states back into the town of a scenario.

    Args:
        scenario: in whose town.
        layout: of the states.
        agent: whose output shall agree too.
        output_scale: (A + 1,) standard deviations of its scores and value.
        config: of the refinement.
    """

    def __init__(
        self,
        scenario: Scenario,
        layout: StateLayout,
        agent: Agent,
        output_scale: NDArray[np.floating],
        config: RefineConfig = DEFAULT,
    ) -> None:
        self._sketcher = Sketcher(scenario, layout)
        self._viewpoint = make_viewpoint(scenario)
        self._reader = Reader(self._sketcher, self._viewpoint)
        self._proposer = Proposer(self._sketcher, self._viewpoint, self._reader.library)
        self._agent, self._scale, self._config = agent, output_scale, config

    def realise(self, stored: NDArray[np.uint8]) -> Realised:
        """Take one stored state (T, M, H, W) back."""
        wanted, sketch = Wanted(stored, self._sketcher.layout), self._reader.read(stored)
        output = self._judged(stored[None])
        for _ in range(ROUNDS):
            sketch = self._refined(self._peopled(sketch, stored, wanted), wanted, output)
        drawn = self._drawn(sketch)
        gap = float(np.sqrt(np.square(self._judged(drawn[None]) - output).mean()))
        things = find_things(stored, drawn, self._sketcher.layout)
        return Realised(sketch, drawn, wanted.agreement(drawn[None]), things, gap)

    def _drawn(self, sketch: Sketch) -> NDArray[np.uint8]:
        drawn: NDArray[np.uint8] = Canvas(self._sketcher, sketch, 1).draw(sketch.numbers[None])[0]
        return drawn

    def _refined(self, sketch: Sketch, wanted: Wanted, output: Floats) -> Sketch:
        """Refine the ego's numbers by the whole picture, and everybody's by where he shows."""
        canvas = Canvas(self._sketcher, sketch, self._config.population)
        regions = self._regions(sketch)

        def cost(numbers: Floats) -> Floats:
            drawn = canvas.draw(numbers)
            gap = np.sqrt(np.square(self._judged(drawn) - output).mean(1))
            whole = wanted.cost(drawn) + _OUTPUT_WEIGHT * np.minimum(gap, _FARTHEST)
            return np.column_stack([whole, *(wanted.cost_within(drawn, region) for region in regions)])

        blocks = [slice(k, k + BODY) for k in range(0, len(sketch.numbers), BODY)]
        found = refine(cost, sketch.numbers, self._scales(sketch), blocks, self._config)
        judge = Canvas(self._sketcher, sketch, len(blocks) + 1)

        def mixed(is_new: NDArray[np.bool_]) -> Floats:
            return np.where(np.repeat(is_new, BODY, axis=1), found, sketch.numbers)

        is_new = flip_while_better(
            np.ones(len(blocks), np.bool_), lambda tried: wanted.cost(judge.draw(mixed(tried)))
        )
        return replace(sketch, numbers=mixed(is_new[None])[0])

    def _regions(self, sketch: Sketch) -> list[NDArray[np.bool_]]:
        """Return where each body shows, with a margin, (T, H, W) of each."""
        count = len(sketch.bodies)
        alone = ~np.concatenate([np.zeros((1, count), np.bool_), np.eye(count, dtype=np.bool_)])
        drawn = Canvas(self._sketcher, sketch, count + 1).draw(_present(sketch.numbers, alone))
        classes = class_pictures(drawn, self._sketcher.layout)
        regions = []
        for without in classes[1:]:
            shows = (without != classes[0]).astype(np.uint8)
            reach = 2 * round(_REACH * float(np.sqrt(shows.sum((1, 2)).max()))) + 2 * MARGIN + 1
            kernel = np.ones((reach, reach), np.uint8)
            regions.append(np.stack([cv2.dilate(frame, kernel) for frame in shows]).astype(np.bool_))
        return regions

    def _peopled(self, sketch: Sketch, stored: NDArray[np.uint8], wanted: Wanted) -> Sketch:
        """Let come whoever makes the picture more alike, and let go who does not: one at a time."""
        drawn = self._drawn(sketch)
        more = self._reader.candidates(stored, drawn, sketch)
        for piece in wanted.missing(drawn[None], MOVING):
            more += self._likeliest(self._proposer.propose(piece, sketch.numbers[:EGO]), sketch, wanted)
        bodies = [*sketch.bodies, *(body for body, _ in more)]
        if not bodies:
            return sketch
        numbers = np.concatenate([sketch.numbers, *(given for _, given in more)])
        whole = replace(sketch, bodies=tuple(bodies))
        canvas = Canvas(self._sketcher, whole, len(bodies) + 1)

        def cost(tried: NDArray[np.bool_]) -> Floats:
            costs = wanted.cost(canvas.draw(_present(numbers, tried)))
            return np.where(self._too_many(whole, tried), np.inf, costs)

        is_there = flip_while_better(np.arange(len(bodies)) < len(sketch.bodies), cost)
        kept = np.flatnonzero(is_there)
        rows = numbers[EGO:].reshape(-1, BODY)[kept]
        return replace(
            sketch,
            numbers=np.concatenate([numbers[:EGO], rows.ravel()]),
            bodies=tuple(bodies[k] for k in kept),
        )

    def _likeliest(
        self, proposed: list[tuple[Body, Floats]], sketch: Sketch, wanted: Wanted
    ) -> list[tuple[Body, Floats]]:
        """Return those of some who may be there, one at a time, that make the picture most alike."""
        if not proposed:
            return []
        whole = replace(sketch, bodies=(*sketch.bodies, *(body for body, _ in proposed)))
        numbers = np.concatenate([sketch.numbers, *(given for _, given in proposed)])
        here = np.ones((len(proposed), len(sketch.bodies)), np.bool_)
        tried = np.concatenate([here, np.eye(len(proposed), dtype=np.bool_)], axis=1)
        costs = wanted.cost(Canvas(self._sketcher, whole, len(tried)).draw(_present(numbers, tried)))
        return [proposed[k] for k in costs.argsort(kind="stable")[:_KEPT]]

    def _too_many(self, sketch: Sketch, tried: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Tell of those who are there (P, K) where there are more than the town has room for."""
        is_car, tables = np.array([body.is_car for body in sketch.bodies]), self._sketcher.tables
        cars, people = tried[:, is_car].sum(1), tried[:, ~is_car].sum(1)
        found: NDArray[np.bool_] = (cars > tables.capacity_cars) | (people > tables.capacity_people)
        return found

    def _judged(self, stored: NDArray[np.uint8]) -> Floats:
        """Return the agent's scores and value (B, A + 1), in standard deviations."""
        scores, value = self._agent.judge(stored)
        columns = np.concatenate([scores.float().numpy(), value.float().numpy()[:, None]], axis=1)
        return columns.astype(np.float64) / self._scale

    def _scales(self, sketch: Sketch) -> Floats:
        """Return how far off the numbers of a first reading may be."""
        view = self._viewpoint
        scales = [np.array(_EGO_SCALE)]
        for body, (x, *_) in zip(sketch.bodies, sketch.numbers[EGO:].reshape(-1, BODY), strict=True):
            deep = float(np.clip(x * x / (view.camera.focal_px * view.height), 0.1, 4.0))
            crosses = body.is_car and body.sin != 0
            place = (_LANE_SCALE, 0.3) if crosses else (deep, _LANE_SCALE if body.is_car else 0.2)
            pace = (0.3, 3.0) if crosses else (3.0, 0.3) if body.is_car else (0.7, 0.7)
            scales.append(np.array([*place, *pace]))
        return np.concatenate(scales)


def flip_while_better(
    flags: NDArray[np.bool_], cost: Callable[[NDArray[np.bool_]], Floats]
) -> NDArray[np.bool_]:
    """Flip one flag at a time, the best first, as long as that lowers a cost.

    Args:
        flags: (K,) to begin with.
        cost: (K + 1, K) flags -> (K + 1,).
    """
    flips = np.concatenate([np.zeros((1, len(flags)), np.bool_), np.eye(len(flags), dtype=np.bool_)])
    while True:
        tried = flags ^ flips
        costs = cost(tried)
        if costs[0] - costs.min() < _LEAST_GAIN:
            return flags
        flags = tried[costs.argmin()]


def _present(numbers: Floats, is_there: NDArray[np.bool_]) -> Floats:
    """Return numbers (D,) with those who are not there (P, K) out of sight, (P, D)."""
    rows = np.tile(numbers, (len(is_there), 1))
    rows[:, EGO::BODY][~is_there] = ABSENT
    return rows


_EGO_NAMES = ("x", "y", "yaw", "speed")
_BODY_NAMES = ("x", "y", "velocity_x", "velocity_y")


def to_json(realised: Realised) -> dict[str, Any]:
    """Return what is known of a realised state, as JSON holds it."""
    numbers = realised.sketch.numbers.reshape(-1, BODY).tolist()
    return {
        "is_realised": realised.is_realised,
        "reasons": realised.reasons,
        "class_agreement": realised.agreement,
        "output_gap": realised.output_gap,
        "things": [{**asdict(thing), "semantic": CLASS_NAMES[thing.semantic]} for thing in realised.things],
        "ego": dict(zip(_EGO_NAMES, numbers[0], strict=True)),
        "episode": realised.sketch.episode,
        "tick": realised.sketch.tick,
        "bodies": [
            {
                "kind": "car" if body.is_car else "person",
                "heading": [body.cos, body.sin] if body.is_car else None,
                **dict(zip(_BODY_NAMES, row, strict=True)),
            }
            for body, row in zip(realised.sketch.bodies, numbers[1:], strict=True)
        ],
    }


def sketch_of(told: dict[str, Any]) -> Sketch:
    """Return the sketch of which `to_json` told."""
    bodies = tuple(
        Body(False) if body["kind"] == "person" else Body(True, *body["heading"]) for body in told["bodies"]
    )
    rows = [[told["ego"][name] for name in _EGO_NAMES]]
    rows += [[body[name] for name in _BODY_NAMES] for body in told["bodies"]]
    return Sketch(told["episode"], told["tick"], np.array(rows, np.float64).ravel(), bodies)
