"""What a gallery tells of its figures: `gallery.json`, and the same as a page's contents."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from probes.artifacts import provenance
from probes.artifacts.payload import write_json
from probes.domains.atari_agents import AtariAgent
from probes.domains.atari_games import GameFigure
from probes.domains.gallery import SHOWN, GalleryConfig, draw_chains, findings_of
from probes.domains.study_cards import agent_card, model_card
from probes.domains.study_sections import CHECKS, estimate
from probes.report.contract import Column, Item, Number, Section, SourceRef, Stacks, Study, Table, Text
from probes.report.numbers import plain
from probes.statistics import share
from probes.synthesis.findings import Findings, load_findings

FILE = "gallery.json"
KIND = "gallery"
NINETY_NINE = "0.99"
"""The quantile of recorded states that a sample is held against."""
LOST = "the paper's caption cannot be read"


@dataclass(frozen=True)
class Plate:
    """A figure of the paper and what was found for it."""

    figure: GameFigure
    findings: Findings
    chains: tuple[int, ...]
    """Those that are shown."""

    @property
    def limit(self) -> float:
        """The 99th percentile of recorded states' J."""
        return float(self.findings.result["real"]["quantiles"]["objective"][NINETY_NINE])

    @property
    def rows(self) -> tuple[dict[str, Any], ...]:
        """What is known of each state that is shown."""
        found = {row["chain"]: row for row in reversed(self.findings.result["findings"])}
        return tuple(found[chain] for chain in self.chains)


def open_plates(config: GalleryConfig, directory: Path) -> tuple[Plate, ...]:
    """Open what the searches found.

    Raises:
        ProbeError: a search has left nothing, or it is damaged.
    """
    return tuple(
        Plate(
            figure,
            load_findings(directory / findings_of(figure), verify=False),
            draw_chains(figure, config.chains, config.seed),
        )
        for figure in config.shown
    )


def tell(config: GalleryConfig, plates: tuple[Plate, ...]) -> dict[str, Any]:
    """Return what `gallery.json` holds."""
    return {
        "chains": config.chains,
        "steps": config.steps,
        "seed": config.seed,
        "figures": [_tell_plate(plate) for plate in plates],
        "skipped": [
            *({**_named(figure), "reason": config.lacking[figure.game]} for figure in config.skipped),
            *({"figure": number, "reason": LOST} for number in config.listed.lost),
        ],
    }


def _named(figure: GameFigure) -> dict[str, str]:
    names = ("figure", "title", "game", "caption", "target")
    return {name: getattr(figure, name) for name in names}


def _tell_plate(plate: Plate) -> dict[str, Any]:
    result, manifest = plate.findings.result, plate.findings.manifest
    names = ("chain", "seed", "objective", "percentile", "beyond_99", "passes", "failed", "greedy")
    return {
        **_named(plate.figure),
        "used": result["target"]["used"],
        "shows": plate.figure.shows,
        "agent": {name: result["agent"][name] for name in ("name", "digest")},
        "model": manifest.parents["model"].digest,
        "states": manifest.parents["states"].digest,
        "findings": {"path": findings_of(plate.figure), "digest": manifest.digest},
        "recorded_99": plate.limit,
        "shown": [{name: row[name] for name in names} for row in plate.rows],
        "all": {"passing": result["passing"], "beyond_99": result["all"]["beyond_99"]},
    }


def build_gallery(
    config: GalleryConfig, agents: Mapping[str, AtariAgent], directory: Path, seconds: float
) -> Study:
    """Read what the stages found, write `gallery.json`, and compose the page.

    Args:
        config: what is shown.
        agents: by game.
        directory: of the gallery.
        seconds: s, that the stages took.

    Raises:
        ProbeError: a stage has left nothing, or it is damaged.
    """
    plates = open_plates(config, directory)
    file = directory / FILE
    told = tell(config, plates)
    write_json(file, told)
    source = SourceRef(KIND, hashlib.sha256(file.read_bytes()).hexdigest(), provenance.command())
    entries = config.entries.items()
    return Study(
        title="The paper's figures of Atari games, made anew",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=provenance.command(),
        preset=f"{config.chains} chains of {config.steps} steps",
        asked="The paper shows, of each game and one target, states that were drawn at random from what its "
        "search found. What do the same searches find here, with one setting for all games?",
        expects=_expects(plates, config),
        happened="Nothing was played. Each section shows what an agent expects; whether it would happen, "
        "`probes study atari` asks of one game.",
        agents=tuple(agent_card(entry.agent, agents[game]) for game, entry in entries),
        models=tuple(
            model_card(f"{game}: {Path(entry.model).name}", Path(entry.model), directory)
            for game, entry in entries
        ),
        sections=(
            *(figure_section(plate, directory) for plate in plates),
            _skipped_section(told["skipped"], source),
        ),
        headlines=_headlines(plates, config, source),
        seconds=seconds,
    )


def _expects(plates: tuple[Plate, ...], config: GalleryConfig) -> str:
    told = len(config.listed.figures)
    return (
        f"{len(plates)} of the {told} figures whose captions can be read were made, of {len(config.entries)} "
        f"of {len(config.listed.games)} games. Each shows {SHOWN} states, drawn at random by a seed from "
        "what its search found; those that fail the checks are shown too, and marked."
    )


def _headlines(plates: tuple[Plate, ...], config: GalleryConfig, source: SourceRef) -> tuple[Number, ...]:
    rows = [row for plate in plates for row in plate.rows]
    beyond = share(sum(row["beyond_99"] for row in rows), len(rows))
    passing = share(sum(row["passes"] for row in rows), len(rows))
    of = f"of {len(config.listed.figures)} whose captions can be read"
    return (
        Number("figures of the paper made anew", len(plates), source, note=of),
        Number("shown states of higher J than 99% of recorded ones", beyond, source, "%"),
        Number("shown states that pass the checks", passing, source, "%"),
    )


def figure_section(plate: Plate, directory: Path) -> Section:
    """Show one figure.

    Args:
        plate: the figure and what was found for it.
        directory: of the gallery.
    """
    figure, found = plate.figure, plate.findings
    source = SourceRef(
        found.manifest.kind,
        found.manifest.digest,
        found.manifest.command,
        found.path.relative_to(directory).as_posix(),
    )
    sees = f" In the paper one sees: {figure.shows}." if figure.shows else ""
    items: list[Item] = [_stacks(plate, source)]
    for label, data in (
        ("pass the checks", found.result["passing"]),
        ("have a higher J than 99% of recorded states", found.result["all"]["beyond_99"]),
    ):
        value = estimate(data)
        assert value is not None  # these two are always told
        items.append(Number(f"all {value.n} states that were found: {label}", value, source, "%"))
    if figure.note:
        items.append(Text(f"Why {figure.target} here: {figure.note}."))
    return Section(
        f"figure-{figure.figure}",
        f"Fig. {figure.figure}: {figure.title}, {figure.caption}",
        f"The paper's caption names {figure.caption}. The target looks for "
        f"{found.result['target']['description']}.{sees}",
        tuple(items),
    )


def _stacks(plate: Plate, source: SourceRef) -> Stacks:
    found, rows = plate.findings, plate.findings.result["findings"]
    chains = [row["chain"] for row in rows]
    shows = plate.figure.shows
    return Stacks(
        f"{len(plate.chains)} of {len(found.mu)} chains, drawn at random: numbers "
        + ", ".join(map(str, plate.chains)),
        (f"Whether these show it too: {shows}." if shows else "What these states have in common.")
        + f" Below each: J, which is at most {plain(round(plate.limit, 2))} in 99% of recorded states, and "
        "the action that the agent likes best there.",
        f"{source.path}/stored.npy",
        found.layout,
        tuple(chains.index(chain) for chain in plate.chains),
        source,
        tuple(_label(row) for row in plate.rows),
    )


def _label(row: dict[str, Any]) -> str:
    above = "above" if row["beyond_99"] else "not above"
    label = f"J {plain(round(row['objective'], 2))}, {above} 99% of recorded; best action: {row['greedy']}"
    if row["passes"]:
        return label
    return f"{label}; fails: {', '.join(CHECKS.get(name, name) for name in row['failed'])}"


def _skipped_section(skipped: list[dict[str, str]], source: SourceRef) -> Section:
    table = Table(
        "Figures of the paper that are not made here",
        "What each would need.",
        (Column("figure"), Column("game"), Column("caption"), Column("why not")),
        tuple(
            (f"Fig. {one['figure']}", one.get("title"), one.get("caption"), one["reason"]) for one in skipped
        ),
        source,
    )
    return Section(
        "skipped",
        "Figures that are missing",
        "A figure needs an agent that plays its game, and a state model of the same game.",
        (table,),
    )
