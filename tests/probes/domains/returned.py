"""What the stages that take findings back into the simulator wrote, made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from probes.artifacts import artifact
from tests.probes.domains.shelves import number, write
from tests.probes.linear_models import LAYOUT


def realized() -> dict[str, Any]:
    """Return what `probes realize` wrote: of two findings one is a town."""
    row = {"target": "t-minus", "reasons": [], "is_realised": True}
    poor = {**row, "is_realised": False, "reasons": ["80% of the pixels agree, of 90%"]}
    share = {"realised": number(0.5, 2), "class_agreement": 0.875, "output_gap": 0.25}
    return {"targets": {"t-minus": share}, "states": [{**row, "finding": 1}, {**poor, "finding": 0}]}


def moments(verdict: str = "confirmed") -> dict[str, Any]:
    """Return what `probes replay-moments` wrote: three drives of four end in a hit in `distracted`."""

    def told(avoidable: float) -> dict[str, Any]:
        one = {"moments": 2, "drives": 8, "avoidable": number(avoidable, 2), "braked": number(0.5, 2)}
        return {**one, "hit": number(avoidable, 2), "time_to_collision": None}

    sides = {"reasonable": told(0.0), "distracted": told(0.75), "nobody": told(0.0)}
    return {
        "groups": {"t-minus": sides, "random recorded": sides},
        "against_random": {"t-minus": {"distracted": number(0.5, 4)}},
        "verdicts": {"t-minus": verdict},
        "moments": [{"drives": {"reasonable": [{}] * 4}}],
        "films": [],
        "no_films": "none were asked for",
        "scenario_files": [],
    }


def awareness() -> dict[str, Any]:
    """Return what `probes awareness` wrote of one agent."""
    effect = {**number(0.25), "p": 0.5, "p_adjusted": 1.0}
    one = {
        "verdict": {"word": "aware", "reasons": ["it brakes", "it hits few"]},
        **dict.fromkeys(("score", "as_person", "value"), effect),
        "hits": None,
    }
    return {"moments": 12, "agents": {"a": one}, "controls": {"words": "none"}}


def repaired() -> dict[str, Any]:
    """Return what `probes repair` wrote: three scenarios to learn from, two held out."""
    places = ("held out", "trained on", "reasonable", "distracted")

    def drove(avoidable: float) -> dict[str, Any]:
        one = {"trials": 2, "avoidable": number(avoidable, 2), "mean_speed": number(5.0, 2)}
        return dict.fromkeys(places, one)

    return {
        "steps": 9_000,
        "trained on": ["a.yaml", "c.yaml", "e.yaml"],
        "held out": ["b.yaml", "d.yaml"],
        "why_not": None,
        "drivers": {"before": drove(0.875), "after": drove(0.25), "control": drove(0.75)},
        "after_less": {
            "before": dict.fromkeys(places, number(-0.625, 2)),
            "control": dict.fromkeys(places, number(-0.5, 2)),
        },
        "verdict": "cannot tell",
    }


def write_return(place: Path, **changes: dict[str, Any]) -> None:
    """Write the three stages into a study's directory."""
    write(place, "moments", changes.get("moments", moments()))
    with artifact.writing(place / "realized", "realized", config={}, seed=0, parents={}) as scratch:
        artifact.write_json(scratch / "result.json", changes.get("realized", realized()))
        np.save(scratch / "drawn.npy", np.zeros((2, *LAYOUT.stored_shape), np.uint8))
    with artifact.writing(place / "awareness", "awareness", config={}, seed=0, parents={}) as scratch:
        artifact.write_json(scratch / "result.json", awareness())
        cv2.imwrite(str(scratch / "map.png"), np.zeros((4, 4, 3), np.uint8))
