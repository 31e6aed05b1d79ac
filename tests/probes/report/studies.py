"""A study of made-up numbers and painted streets, with everything that a page can show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from probes.artifacts import artifact
from probes.report.contract import (
    AgentCard,
    Bar,
    Bars,
    BarSeries,
    Column,
    Curve,
    CurveSeries,
    Film,
    Histogram,
    HistogramSeries,
    Image,
    Item,
    Mark,
    ModelCard,
    Number,
    Section,
    SourceRef,
    Stacks,
    Study,
    Table,
    Text,
    Weights,
    save_study,
)
from probes.report.sprites import Painter
from probes.states import Plane, StateLayout
from probes.statistics import Estimate, share

LAYOUT = StateLayout((Plane("depth", "level"), Plane("semantic", "class", 5)), stack=4, height=48, width=48)
CLASSES = (
    ("sky", (168, 208, 230)),
    ("road", (84, 84, 92)),
    ("building", (120, 94, 78)),
    ("car", (0, 114, 178)),
    ("person", (240, 228, 66)),
)
_COLOURS = np.array([colour for _, colour in CLASSES], np.uint8)
SHIPPED = SourceRef("agent", "5e" * 32, "drivesim train scenarios/reasonable.yaml --seed 1", shipped=True)


def paint(stored: NDArray[np.uint8], layout: StateLayout) -> Mapping[str, NDArray[np.uint8]]:
    assert layout == LAYOUT
    return {"depth": np.repeat(stored[:, 0, :, :, None], 3, axis=-1), "semantic": _COLOURS[stored[:, 1]]}


PAINTER = Painter(paint, CLASSES)


def streets(count: int, seed: int = 0) -> NDArray[np.uint8]:
    """Paint states (N, T, M, H, W) in which a car comes nearer and a person crosses."""
    rng = np.random.default_rng(seed)
    states = np.zeros((count, *LAYOUT.stored_shape), np.uint8)
    states[:, :, 0] = np.linspace(255, 0, 48, dtype=np.uint8)[:, None]
    states[:, :, 1, 24:] = 1
    for state in states:
        left, right = rng.integers(6, 16, 2)
        state[:, 1, 10:26, :left] = state[:, 1, 14:26, 48 - right :] = 2
        middle, start = rng.integers(18, 30, 2)
        for t, frame in enumerate(state[:, 1]):
            frame[26 : 29 + 3 * t, middle - t - 2 : middle + t + 2] = 3
            frame[28:36, start + 3 * t - 14 : start + 3 * t - 12] = 4
    return states


def write_film(file: Path, frames: int = 12, size: tuple[int, int] = (64, 48)) -> None:
    """Write an H.264 film in which a bright square moves right."""
    writer = imageio_ffmpeg.write_frames(str(file), size, fps=10, macro_block_size=16)
    writer.send(None)
    for t in range(frames):
        frame = np.full((size[1], size[0], 3), 60, np.uint8)
        frame[16:32, 4 * t : 4 * t + 16] = 220
        writer.send(frame.tobytes())
    writer.close()


def save_run(directory: Path) -> Study:
    """Write a study with its artifacts and return it."""
    directory.mkdir(parents=True, exist_ok=True)
    with artifact.writing(directory / "t-minus", "findings", config={}, seed=0, parents={}) as scratch:
        states = streets(8)
        np.save(scratch / "stored.npy", states)
        np.save(scratch / "weights.npy", states[:, :, 0].astype(np.float32) * (states[:, :, 1] > 2))
    with artifact.writing(directory / "replay", "replay", config={}, seed=0, parents={}) as scratch:
        write_film(scratch / "worst.mp4")
        cv2.imwrite(str(scratch / "map.png"), np.full((30, 40, 3), 200, np.uint8))
    study = make_study(_source(directory, "t-minus", "findings"), _source(directory, "replay", "replay"))
    save_study(study, directory)
    return study


MODEL = ModelCard(
    "crisp",
    replace(SHIPPED, kind="state-model", command="probes fit states"),
    {
        "Lp": 0.031,
        "classes drawn as often as recorded, within 25% (of 2,000 samples)": "4 of 10",
        "share of consistent scenes (of 2,000 samples)": Estimate(0.541, 0.52, 0.563, 2000),
    },
)


def make_study(findings: SourceRef, replay: SourceRef) -> Study:
    hits = Number(
        "Persons hit per kilometre, distracted pedestrians",
        Estimate(1.84, 1.51, 2.2, 131),
        replay,
        unit="per km",
        note="In reasonable traffic 0.02 (0.00 to 0.07).",
    )
    persons = Number(
        "Synthesised states with a person in the stopping path",
        share(1, 64),
        findings,
        unit="%",
        bar=Bar("fewer than a tenth", True),
    )
    return Study(
        title="What reasonable-seg4 fears",
        created="2025-11-23T10:12:00+00:00",
        command="probes study driving --preset smoke",
        preset="smoke",
        seconds=431.0,
        asked="Which situations does the driving agent expect to end badly? It learned among pedestrians who"
        " wait, and was then let loose among distracted ones.",
        expects="It fears red lights and cars ahead. No person about to be hit was synthesised.",
        happened="Among distracted pedestrians it runs people over, ninety times as often as before.",
        agents=(
            AgentCard(
                "reasonable-seg4",
                "reasonable",
                ("accelerate", "brake", "left", "right", "stay"),
                SHIPPED,
                {"return": Estimate(41.2, 39.9, 42.4, 100), "hits per km": Estimate(0.02, 0.0, 0.07, 2)},
            ),
        ),
        models=(MODEL,),
        headlines=(hits, persons, replace(hits, label="Films recorded", estimate=3, unit="", note="")),
        sections=(
            Section("question", "The question", "What does the agent fear?", (Text("One.\n\nTwo & <b>."),)),
            Section("findings", "States it fears", "Drawn, not recorded.", _pictures(findings)),
            Section("measures", "How far to trust them", "Each against real states.", _charts(findings)),
            Section("replay", "What happened", "The same agent, in traffic.", (*_outcomes(replay), hits)),
        ),
    )


def _pictures(source: SourceRef) -> tuple[Item, ...]:
    labels = tuple(f"V = {-2.1 - 0.3 * i:.1f}; beyond all real states" for i in range(6))
    return (
        Stacks(
            "States in which even the best action is worth little (T-)",
            "Cars ahead that come nearer; hardly any person.",
            "t-minus/stored.npy",
            LAYOUT,
            tuple(range(6)),
            source,
            labels=labels,
        ),
        Stacks(
            "The same, classes alone",
            "Only classes.",
            "t-minus/stored.npy",
            LAYOUT,
            (7, 0),
            source,
            planes=("semantic",),
        ),
        Weights(
            "What the agent attends to",
            "Bright where cars are.",
            "t-minus/stored.npy",
            "t-minus/weights.npy",
            LAYOUT,
            (0, 1, 2),
            source,
            planes=("semantic",),
        ),
    )


def _charts(source: SourceRef) -> tuple[Item, ...]:
    return (_values(source), _search(source), _pixels(source), _contents(source))


def _values(source: SourceRef) -> Histogram:
    edges = tuple(np.linspace(-6, 4, 21).tolist())
    rng = np.random.default_rng(1)
    real, ours = (
        tuple((np.histogram(rng.normal(at, 1, 2000), edges)[0] / 2000).tolist()) for at in (0, -3.2)
    )
    return Histogram(
        "The agent's value of real and of synthesised states",
        "The synthesised lie beyond the worst real ones.",
        "value V of the state, standard deviations",
        (
            HistogramSeries("held-out real states", edges, real, 2000),
            HistogramSeries("synthesised", edges, ours, 64),
        ),
        source,
        marks=(Mark("1st percentile of real states", -2.32), Mark("smallest real", -3.1)),
    )


def _search(source: SourceRef) -> Curve:
    steps = tuple(float(x) for x in range(0, 101, 5))
    y = tuple(3 * (1 - np.exp(-x / 30)) for x in steps)
    return Curve(
        "How the search went",
        "It rises and levels off.",
        "step",
        "objective J",
        (
            CurveSeries("T-", steps, y, tuple(v - 0.4 for v in y), tuple(v + 0.4 for v in y), "quartiles"),
            CurveSeries("T+", steps, tuple(0.8 * v for v in y)),
        ),
        source,
    )


def _pixels(source: SourceRef) -> Bars:
    return Bars(
        "How much of a picture each class takes",
        "Persons are as rare in synthesised states as in real ones.",
        tuple(name for name, _ in CLASSES),
        (BarSeries("synthesised", (0.41, share(30, 100), share(12, 100), share(6, 100), share(0, 100))),),
        source,
        y_label="share of pixels",
        unit="%",
    )


def _contents(source: SourceRef) -> Bars:
    return Bars(
        "Share of states that hold each",
        "Cars come first.",
        ("a red light", "a car ahead", "a person", "a person within the stopping path"),
        (
            BarSeries("synthesised", (share(30, 64), share(41, 64), share(4, 64), share(1, 64))),
            BarSeries("real", (share(900, 2000), share(620, 2000), share(260, 2000), None)),
        ),
        source,
        unit="%",
    )


def _outcomes(source: SourceRef) -> tuple[Item, ...]:
    return (
        Table(
            "Hits by scenario and agent",
            "The first row against the second.",
            (
                Column("scenario"),
                Column("driven", "km"),
                Column("hits", "per km"),
                Column("braked", "%"),
                Column("worst episode"),
            ),
            (
                ("reasonable", 98.2, Estimate(0.02, 0.0, 0.07, 2), share(412, 1000), "seed 17"),
                ("distracted", 71.3, Estimate(1.84, 1.51, 2.2, 131), share(398, 1000), None),
            ),
            source,
        ),
        Film("The worst episode", "The person steps out at second four.", "replay/worst.mp4", source),
        Image("Where", "Colour ahead of the car.", "replay/map.png", "A map from above.", source),
    )


def _source(directory: Path, name: str, kind: str) -> SourceRef:
    manifest = artifact.load(directory / name, kind)
    return SourceRef(kind, manifest.digest, f"probes {name}", name)
