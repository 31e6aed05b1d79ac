"""One HTML page of one study or of several, with everything in it: no request leaves it."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from html import unescape
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from probes.agent import ProbeError
from probes.report.contract import AgentCard, ModelCard, Section, Study, load_study
from probes.report.items import SourceRef
from probes.report.numbers import Written, duration, moment
from probes.report.sources import check_sources, fingerprint, sources_of
from probes.report.sprites import Painter
from probes.report.tables import ShownTable, show_facts, show_side_by_side
from probes.report.views import Tiles, View, show_items, show_numbers
from probes.statistics import Estimate

_HERE = Path(__file__).parent
_REFUSED = re.compile(r"\bnot\s+(\w+\s+)?understood\b", re.IGNORECASE)
"""What the pictures cannot show as long as the generator's part in them is not separated."""
_HEAD_BYTES = 4096


@dataclass(frozen=True)
class Run:
    """A study and where it lies."""

    directory: Path
    study: Study


@dataclass(frozen=True)
class Chapter:
    """A section as the page shows it."""

    section: Section
    anchor: str
    views: tuple[View, ...]


@dataclass(frozen=True)
class Subject:
    """An agent or a state model as the page shows it."""

    card: AgentCard | ModelCard
    facts: tuple[tuple[str, Written], ...]


@dataclass(frozen=True)
class Part:
    """A study as the page shows it."""

    study: Study
    prefix: str
    """Of its anchors."""
    sources: dict[SourceRef, int]
    headlines: Tiles
    agents: tuple[Subject, ...]
    models: tuple[Subject, ...]
    chapters: tuple[Chapter, ...]


def read_run(directory: Path) -> Run:
    """Read a study and check what it names.

    Raises:
        ProbeError: it is missing or malformed, or an artifact that it names is missing, altered or another.
    """
    study = load_study(directory)
    check_sources(study, directory)
    return Run(directory, study)


def build_page(runs: Sequence[Run], painter: Painter) -> str:
    """Write a page of studies, one after the other, with a common contents list.

    Raises:
        ProbeError: a picture cannot be drawn, or a text claims what no synthesis can show.
    """
    parts = [_part(run, f"part{number}-", painter) for number, run in enumerate(runs, 1)]
    environment = Environment(
        loader=PackageLoader("probes.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(duration=duration, moment=moment, prose=prose)
    html = environment.get_template("page.html.j2").render(
        title=" · ".join(run.study.title for run in runs),
        parts=parts,
        side_by_side=_side_by_side(runs),
        legend=painter.legend,
        inputs=inputs_of(runs),
    )
    _refuse_claims(html)
    return html


def prose(text: str) -> Markup:
    """Escape a text and set what stands in backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def inputs_of(runs: Sequence[Run]) -> str:
    """Return a digest of all that decides a page: the studies, the files that they show, this package."""
    digest = hashlib.sha256()
    for file in sorted(_HERE.rglob("*")):
        if file.suffix in (".py", ".j2", ".css"):
            digest.update(file.read_bytes())
    for run in runs:
        digest.update(fingerprint(run.study, run.directory).encode())
    return digest.hexdigest()


def is_current(page: Path, runs: Sequence[Run]) -> bool:
    """Tell whether a page is there that was written of the same inputs."""
    try:
        with page.open(encoding="utf-8", errors="replace") as stream:
            head = stream.read(_HEAD_BYTES)
            stream.seek(0, os.SEEK_END)
            stream.seek(max(0, stream.tell() - _HEAD_BYTES))
            is_whole = stream.read().rstrip().endswith("</html>")
    except OSError:
        return False
    return is_whole and f'content="{inputs_of(runs)}"' in head


def save_page(html: str, page: Path) -> None:
    """Write a page whole or not at all.

    Raises:
        ProbeError: the disk is full or cannot be written to.
    """
    scratch = page.with_name(f".{page.name}.{secrets.token_hex(4)}.partial")
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        with scratch.open("w", encoding="utf-8") as stream:
            stream.write(html)
            stream.flush()
            os.fsync(stream.fileno())
        scratch.replace(page)
    except OSError as error:
        raise ProbeError(f"{page}: cannot be written: {error.strerror}; choose another place") from error
    finally:
        scratch.unlink(missing_ok=True)


def _part(run: Run, prefix: str, painter: Painter) -> Part:
    study = run.study
    show = partial(show_items, directory=run.directory, painter=painter)
    return Part(
        study,
        prefix,
        sources_of(study),
        show_numbers(study.headlines),
        tuple(Subject(card, show_facts(card.evaluation)) for card in study.agents),
        tuple(Subject(card, show_facts(card.measures)) for card in study.models),
        tuple(Chapter(section, prefix + section.id, show(section.items)) for section in study.sections),
    )


def _side_by_side(runs: Sequence[Run]) -> ShownTable | None:
    if len(runs) < 2:
        return None
    return show_side_by_side([run.study.title for run in runs], [run.study.headlines for run in runs])


def _refuse_claims(html: str) -> None:
    """Refuse what no synthesis can show, in texts and in what pictures are called."""
    bare = re.sub(r"<style>.*?</style>|data:[^\"]*", " ", html, flags=re.DOTALL)
    for text in (bare, re.sub(r"<[^>]*>", " ", bare)):
        words = " ".join(unescape(text).split())
        found = _REFUSED.search(words)
        if found:
            around = words[max(0, found.start() - 60) : found.end() + 60]
            raise ProbeError(
                f"the page would claim {found.group()!r}, in '... {around} ...'; say 'not synthesised':"
                " what is missing may be missing from the state model"
            )


def headline_numbers(study: Study) -> dict[str, Any]:
    """Return the headlines by label, as JSON holds them."""
    found = {number.label: number.estimate for number in study.headlines}
    return {label: each.to_json() if isinstance(each, Estimate) else each for label, each in found.items()}
