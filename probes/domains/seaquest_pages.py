"""The chapter of a Seaquest page on oxygen: where it is low, and what the agent dies of (Sec. 4.4)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from probes.domains.seaquest import FULL, REFILLED, SUFFOCATION
from probes.domains.study_sections import Shelf, estimate
from probes.report.contract import Cell, Column, Section, Table, Text
from probes.synthesis.targets import ACTION_PREFIX

STAGE = "oxygen"
CONDITIONS = {"normal": "oxygen as the game has it", "kept full": "oxygen kept full"}
"""What was played, in words."""


def oxygen_section(shelf: Shelf) -> Section:
    """Tell how often states show low oxygen, and what the agent dies of, in want of oxygen and without."""
    told = shelf.result(STAGE)
    return Section(
        "oxygen",
        "Oxygen: what is synthesised, and what the agent dies of",
        "The submarine's oxygen runs out unless it comes up. The paper saw low oxygen among the states "
        "synthesised for every action, where only going up makes sense, and concluded that the agent does "
        "not see to its oxygen; in its games suffocation was the main cause of death. Here both are counted.",
        (
            shown_table(shelf, told),
            Text(shown_verdict(told)),
            deaths_table(shelf, told),
            games_table(shelf, told),
            Text(deaths_verdict(told)),
        ),
    )


def shown_table(shelf: Shelf, told: dict[str, Any]) -> Table:
    """Set the findings that pass, target by target, beside recorded states."""
    rows = [_shown("recorded, all held out", told["real"], None)]
    for searched in shelf.searched:
        one = told["targets"][searched.findings.name]
        rows.append(_shown(f"synthesised for {searched.title}", one["passed"], one["real_highest"]))
    reading = told["reading"]
    right = None if reading is None else estimate(reading["danger_right"])
    checked = (
        f" Of the recorded states it tells {right.value:.1%} rightly, by the game's memory." if right else ""
    )
    return Table(
        "How often states show low oxygen",
        "Low oxygen for actions other than going up, more often than in recorded states. Low: at most a "
        "quarter, when the bar begins to blink. The bar is low too while the submarine refills at the "
        "surface and after it is lost, so that low oxygen under water is told apart. Read off the newest "
        "picture of the states that pass the checks; a bar too blurred to be read is counted apart, and "
        f"left out of the shares after it.{checked}",
        (
            Column("states"),
            Column("how many"),
            Column("unreadable", "%"),
            Column("low oxygen", "%"),
            Column("low under water", "%"),
            Column("low in the 5% recorded with the highest J", "%"),
        ),
        tuple(rows),
        shelf.source(STAGE),
    )


def _shown(label: str, part: dict[str, Any] | None, highest: dict[str, Any] | None) -> tuple[Cell, ...]:
    extreme = None if highest is None else estimate(highest["low"])
    if part is None:
        return (label, 0, None, None, None, extreme)
    shares = (estimate(part[key]) for key in ("unreadable", "low", "danger"))
    return (label, part["states"], *shares, extreme)


def shown_verdict(told: dict[str, Any]) -> str:
    """Say for which actions low oxygen was synthesised, and whether more often than it was recorded."""
    actions = {
        one["target"]["name"]: one["passed"]
        for one in told["targets"].values()
        if one["target"]["used"].startswith(ACTION_PREFIX)
    }
    return " ".join(
        _compared(words, {name: part and part[key] for name, part in actions.items()}, told["real"][key])
        for key, words in (("low", "Low oxygen"), ("danger", "Low oxygen under water"))
    )


def _compared(words: str, shares: dict[str, Any], real: dict[str, Any] | None) -> str:
    """Compare shares by action, None where there is no state to look at, with that of recorded states."""
    known = {name: one for name, one in shares.items() if one is not None}
    if not known:
        return f"{words}: of no action is there a synthesised state to look at."
    seen = [name for name, one in known.items() if one["value"] > 0]
    parts = [f"{words} was synthesised for {len(seen)} of {len(known)} actions"]
    parts += _listed("not synthesised for", (name for name in known if name not in seen))
    parts += _listed("no state to look at for", (name for name in shares if name not in known))
    if real is not None:
        higher = [name for name, one in known.items() if one["low"] > real["high"]]
        lower = [name for name, one in known.items() if one["high"] < real["low"]]
        parts += _listed("more often than recorded for", higher)
        parts += _listed("less often than recorded for", lower)
        if len(higher) + len(lower) < len(known):
            parts.append("where nothing is said the intervals overlap" if higher or lower else OVERLAP)
    return "; ".join(parts) + "."


OVERLAP = "for each of them the interval overlaps that of recorded states"


def _listed(words: str, names: Iterable[str]) -> list[str]:
    listed = ", ".join(names)
    return [f"{words} {listed}"] if listed else []


def deaths_table(shelf: Shelf, told: dict[str, Any]) -> Table:
    """Tell what the agent died of."""
    rows: list[tuple[Cell, ...]] = [
        (f"{words}: {cause}", one["deaths"], estimate(one["share"]), estimate(one["games"]))
        for condition, words in CONDITIONS.items()
        for cause, one in told["conditions"][condition]["causes"].items()
    ]
    return Table(
        "What the agent dies of, and what it dies of when its oxygen is kept full",
        "Whether suffocation leads, and what takes its place in the control. Causes are read from the game's "
        "memory in the moment in which a submarine is lost. Deaths of one game hang together, so that the "
        "interval of their share may be too narrow; that of the games is not.",
        (
            Column("oxygen and cause"),
            Column("deaths"),
            Column("of all deaths", "%"),
            Column("games with one", "%"),
        ),
        tuple(rows),
        shelf.source(STAGE),
    )


def games_table(shelf: Shelf, told: dict[str, Any]) -> Table:
    """Tell how well and how long it played under both conditions."""
    measures = ("score", "decisions")
    rows: list[tuple[Cell, ...]] = [
        (words, *(estimate(told["conditions"][condition][name]) for name in measures))
        for condition, words in CONDITIONS.items()
    ]
    rows.append(("difference, by the same seeds", *(estimate(told["difference"][name]) for name in measures)))
    return Table(
        "How well and how long it plays with its oxygen kept full",
        f"A difference above 0: want of oxygen is what holds it back. Kept full is {FULL} of {REFILLED}, "
        "which looks the same, and under water alone. Six divers brought up with more oxygen also score "
        "more, by the game's rules.",
        (Column("oxygen"), Column("score"), Column("decisions")),
        tuple(rows),
        shelf.source(STAGE),
    )


def deaths_verdict(told: dict[str, Any]) -> str:
    """Say whether suffocation is the main cause of death, and what the control changes."""
    normal = told["conditions"]["normal"]
    one, lead, other = normal["causes"][SUFFOCATION], normal["lead"], normal["commonest_other"]
    if not normal["deaths"]:
        return "No submarine was lost."
    if lead["low"] > 0:
        verdict = "is the main cause of death"
    elif lead["high"] < 0:
        verdict = f"is not the main cause of death: more are lost by {other}"
    else:
        verdict = f"may or may not be the main cause of death: the interval leaves open whether {other} is"
    difference = told["difference"]["score"]
    return (
        f"Suffocation {verdict}. {one['deaths']} of {normal['deaths']} submarines suffocated: in each game, "
        f"less those lost by {other}, {_interval(lead)}. With its oxygen kept full the agent's score differs "
        f"by {_interval(difference)} in games of the same seeds."
    )


def _interval(one: dict[str, Any]) -> str:
    return f"{one['value']:.2f} (95%: {one['low']:.2f} to {one['high']:.2f})"
