"""Where numbers and pictures came from: each artifact once, numbered, checked against what lies there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.artifacts.manifest import MADE_BY, read_manifest
from probes.report.contract import FILE, Study
from probes.report.items import Film, Image, Item, SourceRef, Stacks, Text, Weights


def sources_of(study: Study) -> dict[SourceRef, int]:
    """Number a study's sources from 1, in the order in which the page names them."""
    named = [number.source for number in study.headlines]
    named += [card.source for card in study.agents] + [card.source for card in study.models]
    named += [
        item.source for section in study.sections for item in section.items if not isinstance(item, Text)
    ]
    return {source: number for number, source in enumerate(dict.fromkeys(named), 1)}


def check_sources(study: Study, directory: Path) -> None:
    """Require that what the study names is still what lies in its directory.

    Artifacts that pictures are taken from are hashed whole, of others the manifest alone is read.

    Raises:
        ProbeError: an artifact is missing, altered, or another than the one that the study read; or a file
            lies outside of the study's directory.
    """
    pictured = {item.source for item, _ in files_of(study)}
    for _, file in files_of(study):
        _require_inside(directory, file)
    for source in sources_of(study):
        if not source.path or source.kind not in MADE_BY:
            continue
        place = directory / source.path
        found = artifact.load(place, source.kind) if source in pictured else read_manifest(place, source.kind)
        if found.digest != source.digest:
            raise ProbeError(
                f"{directory / FILE}: was written of another {source.kind}: its digest was"
                f" {source.digest[:8]}, that of {place} is {found.digest[:8]}; run `{study.command}` again"
            )


def fingerprint(study: Study, directory: Path) -> str:
    """Return a sha256 over the study and the files that it shows."""
    digest = hashlib.sha256()
    for file in [FILE, *(file for _, file in files_of(study))]:
        try:
            digest.update((directory / file).read_bytes())
        except OSError as error:
            raise ProbeError(f"{directory / file}: cannot be read: {error.strerror}") from error
    return digest.hexdigest()


def files_of(study: Study) -> Iterator[tuple[Stacks | Weights | Film | Image, str]]:
    """Yield the files that a study shows, relative to its directory, with the item that shows each."""
    for section in study.sections:
        for item in section.items:
            for file in _files(item):
                assert isinstance(item, Stacks | Weights | Film | Image)
                yield item, file


def _files(item: Item) -> tuple[str, ...]:
    if isinstance(item, Stacks | Film | Image):
        return (item.file,)
    return (item.states_file, item.weights_file) if isinstance(item, Weights) else ()


def _require_inside(directory: Path, file: str) -> None:
    if not (directory / file).resolve().is_relative_to(directory.resolve()):
        raise ProbeError(f"{directory / FILE}: {file!r} lies outside of the study's directory")
