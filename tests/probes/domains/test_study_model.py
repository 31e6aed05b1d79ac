from __future__ import annotations

from pathlib import Path

from probes.domains.study_model import model_section
from probes.report.contract import Stacks, Text
from tests.probes.domains.shelves import toy_shelf


def test_samples_come_first_and_then_what_else_is_known(tmp_path: Path) -> None:
    note = Text("a note")
    section = model_section(toy_shelf(tmp_path), "everything that moves", [note])
    samples, rest = section.items
    assert isinstance(samples, Stacks)
    assert samples.look_for == "everything that moves"
    assert samples.source.kind == "samples"
    assert rest is note
