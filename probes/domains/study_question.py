"""The first chapter of a study's page: what was asked, and how to read the rest."""

from __future__ import annotations

from probes.report.contract import Section, Text

MISSING = (
    "What never appears among the synthesised states was not synthesised, and no more is known: the agent "
    "may not go by it, or the state model may not draw it."
)


def question_section(reading: str) -> Section:
    """Say what the method is, and how to read what follows.

    Args:
        reading: what states and targets are in this study; a blank line begins another paragraph.
    """
    return Section(
        "question",
        "What was asked",
        "The method is that of Rupprecht, Ibrahim and Pal (ICLR 2020): let a model learn to draw the "
        "states that an agent meets, then search among all states that it can draw for those that the "
        "agent judges extreme.",
        (Text(f"{reading}\n\n{MISSING}"),),
    )
