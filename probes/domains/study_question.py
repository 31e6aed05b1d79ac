"""The first chapter of a study's page: what was asked, and how to read the rest."""

from __future__ import annotations

from probes.report.contract import Section, Text


def question_section(reading: str) -> Section:
    """Say what the method is, and how to read what follows."""
    return Section(
        "question",
        "What was asked",
        "The method is that of Rupprecht, Ibrahim and Pal (ICLR 2020): let a model learn to draw the "
        "states that an agent meets, then search among all states that it can draw for those that the "
        "agent judges extreme.",
        (Text(reading),),
    )
