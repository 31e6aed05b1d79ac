"""The artifacts of a driving study with made-up results, so that what a page tells can be told by hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from probes.artifacts import artifact
from probes.domains.driving_companions import Companion
from probes.domains.model_records import MEASURES
from probes.domains.study_sections import Shelf
from probes.measures.objective_table import tell
from probes.state_models.model_store import KIND
from probes.statistics import Estimate
from probes.synthesis.findings import load_findings, write_findings
from probes.synthesis.targets import Target
from tests.probes.linear_models import LAYOUT
from tests.probes.searched import made_up
from tests.probes.toy_sets import toy_subject

TARGETS = {"t-minus": ("T-", "V-"), "v-minus": ("V-", "V-"), "action-brake": ("brake", "action:brake")}
"""Name and formula of each search."""
SEARCHED = {**TARGETS, "v-plus": ("V+", "V+")}
"""The same, with that of a companion."""
SIGHTS = ("light", "car ahead", "person", "person on the road", "person within the stopping path")


def number(value: float, n: int = 10) -> dict[str, Any]:
    """Return an estimate as JSON holds it."""
    return Estimate(value, value - 0.125, value + 0.125, n).to_json()


def described(states: int, share: float) -> dict[str, Any]:
    """Return what `driving_contents.describe` says, all shares alike."""
    return {
        "states": states,
        "shows": {sight: number(share, states) for sight in SIGHTS},
        "road_free": number(share, states),
        "brakes": number(share, states),
        "brakes_on_free_road": None,
    }


def contents(names: Iterable[str] = TARGETS) -> dict[str, Any]:
    """Return what `probes contents` wrote: the searches for V- have no finding that passes."""
    targets = {
        name: {
            "target": {"name": title, "used": used, "description": "of a kind"},
            "all": described(4, 0.25),
            "passed": None if name == "v-minus" else described(2, 0.5),
            "real_highest": described(5, 0.75),
        }
        for name, (title, used) in ((name, SEARCHED[name]) for name in names)
    }
    again = {"person on the road": None, "person within the stopping path": number(0.75, 8)}
    return {"real": described(20, 0.125), "targets": targets, "drawn_again": again}


def samples() -> dict[str, Any]:
    """Return what `probes samples` wrote of three samples."""
    rules = {"road_below_horizon": number(0.5), "realistic": number(0.25)}
    one = {
        "class": "sky",
        "real_share": 0.5,
        "area_ratio": number(1.0),
        "blobs_ratio": None,
        "within_25_percent": False,
    }
    return {
        "layout": LAYOUT.to_json(),
        "samples": 3,
        "least_share": 0.001,
        "classes": [one],
        "classes_within": {"within": 0, "of": 1, "outside": ["sky"]},
        "realism": {"samples": rules, "real": rules},
    }


def goggles() -> dict[str, Any]:
    """Return what `probes goggles` wrote of one state model."""
    row = {"returns": number(9.0, 20), "kept": number(0.75, 20)}
    return {
        "floor": "brake",
        "table": {"agent": number(12.0, 20), "floor": number(0.0, 20), "rows": {"crisp": row}},
    }


def novelty() -> dict[str, Any]:
    """Return what `probes novelty` wrote: of T- two states of four pass, of V- none."""

    def part(changed: float) -> dict[str, Any]:
        more_than = {"0.1": number(changed), "0.5": number(0.0)}
        return {"range_all_frames": {"mean_changed": number(changed), "more_than": more_than}}

    real = {"realistic": number(1.0)}
    target = {"name": "T-", "used": "V-", "description": "of a kind"}
    found = {"target": target, "all": part(0.25), "realism": real, "passed": part(0.5)}
    return {
        "paper": {"more_than": {"0.1": 0.99, "0.5": 0.01}, "mean": 0.25},
        "sources": {
            "t-minus": {**found, "realism_passed": {"realistic": number(0.625)}},
            "v-minus": {**found, "target": {**target, "name": "V-"}, "passed": None, "realism_passed": None},
            "held-out": {"all": part(0.125), "realism": real},
        },
    }


def activation_max() -> dict[str, Any]:
    """Return what `probes activation-max` wrote of two methods."""
    groups = [
        {
            "name": name,
            "strength": strength,
            "objective_stored": number(3.0),
            "disagreement_with_real": None,
            "reconstruction_disagreement": number(0.5),
        }
        for name, strength in (("ours", 1.0), ("sobolev", 0.5))
    ]
    return {"target": {"name": "T-", "used": "V-", "description": "of a kind"}, "groups": groups}


def replayed(hits: int = 2) -> dict[str, Any]:
    """Return what `probes replay` wrote: `hits` in `distracted`, without a film."""
    sides = {"reasonable": (0, 4.0), "distracted": (hits, 2.0)}
    told = {
        name: {
            "episodes": 4,
            "km": km,
            "hits_per_km": number(count / km, count),
            "avoidable_per_km": number(count / km, count),
            "mean_speed": number(6.0),
        }
        for name, (count, km) in sides.items()
    }
    pair = {
        "before": {"agent": "a", "scenario": "reasonable"},
        "other": {"agent": "a", "scenario": "distracted"},
    }
    return {
        "episodes": 4,
        "scenarios": [{"name": name} for name in sides],
        "summaries": {"a": told},
        "contrasts": [{**pair, "hits_per_km": number(1.0, 4)}, {**pair, "hits_per_km": None}],
        "films": [],
        "no_films": "none were asked for",
    }


def braking() -> dict[str, Any]:
    """Return what `probes braking` wrote of one road."""
    one = {"decisions": 600, "share": number(0.25), "episodes": None}
    free = {"decisions": 40, "share": number(0.125, 3), "episodes": number(0.5, 3)}
    return {"roads": {"without traffic": {"moving": one, "empty road, no light": free}}}


def clusters() -> dict[str, Any]:
    """Return what `probes clusters` wrote: of T- two groups of three findings and of one, of V- none."""
    groups = [
        {"medoid": 1, "members": [1, 0, 3], "apart": "red light"},
        {"medoid": 2, "members": [2], "apart": ""},
    ]
    one = {
        "target": {"name": "T-", "used": "V-", "description": "of a kind"},
        "findings": 4,
        "found": 2,
        "alone": 1,
        "recorded": number(3.0, 4),
        "stability": None,
        "clusters": groups,
    }
    return {"targets": {"t-minus": one, "v-minus": {**one, "found": 0, "recorded": None, "clusters": []}}}


def weights() -> dict[str, Any]:
    """Return what `make_weights` wrote of two states."""
    return {"layout": LAYOUT.to_json(), "labels": ["car ahead", "nothing in the way"], "indices": [4, 2]}


def record(kind: str, result: dict[str, Any]) -> dict[str, Any]:
    """Return what `probes ship` keeps of one measure."""
    return {
        "kind": kind,
        "digest": "ab" * 32,
        "command": f"probes {kind} of old",
        "commit": None,
        "result": result,
    }


def ship_model(
    directory: Path, name: str, measures: dict[str, Any], history: Iterable[dict[str, Any]] = ()
) -> Path:
    """Write what passes for a shipped state model."""
    config = {"fit": {"schedule": {"iterations": 12, "batch": 4}}}
    with artifact.writing(directory / name, KIND, config=config, seed=0, parents={}) as scratch:
        told = {"note": "made up", "history": list(history), "measures": measures}
        artifact.write_json(scratch / MEASURES, told)
    return directory / name


RESULTS = {
    "contents": contents,
    "samples": samples,
    "goggles": goggles,
    "novelty": novelty,
    "activation-max": activation_max,
    "replay": replayed,
    "braking": braking,
    "weights": weights,
    "clusters": clusters,
}


def write(directory: Path, name: str, result: dict[str, Any]) -> None:
    """Write a stage's artifact, its kind called as its directory."""
    stored = np.zeros((3, 2, *LAYOUT.stored_shape), np.uint8)
    with artifact.writing(directory / name, name, config={}, seed=0, parents={}) as scratch:
        artifact.write_json(scratch / "result.json", result)
        if name in ("samples", "activation-max"):
            np.save(scratch / "stored.npy", stored[:, 0] if name == "samples" else stored[:2])
        if name == "weights":
            np.save(scratch / "states.npy", stored[:2, 0])
            np.save(scratch / "weights.npy", np.ones((2, LAYOUT.stack, LAYOUT.height, LAYOUT.width)))


def write_toy_findings(directory: Path, states: Path, names: Iterable[str]) -> None:
    """Write findings of some of `SEARCHED` below a directory; toy states are written too."""
    subject = toy_subject(states)
    for name in names:
        title, used = SEARCHED[name]
        target = Target(title, used, f"states of {used}", 2.0, 1.0, lambda output, _: -output.value)
        searched = replace(made_up(), target=target)
        write_findings(directory / name, subject, searched, {}, {"states": states})


def write_companion(directory: Path, companion: Companion) -> None:
    """Write the stages of a companion into a study's directory."""
    place = directory / companion.place
    write_toy_findings(place / "findings", place / "states", companion.findings)
    write(place, "contents", contents(companion.findings))
    if companion.counts_braking:
        write(place, "braking", braking())


def toy_shelf(directory: Path) -> Shelf:
    """Write all stages of a study and open them."""
    write_toy_findings(directory / "findings", directory / "states", TARGETS)
    for name, make in RESULTS.items():
        write(directory, name, make())
    told = tell(load_findings(directory / "findings" / "t-minus"))
    write(directory, "objective", {"targets": {"t-minus": told}})
    return Shelf(directory, tuple(TARGETS))
