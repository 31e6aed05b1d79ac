from __future__ import annotations

from pathlib import Path

from probes.domains.study_clusters import clusters_section, clusters_step
from probes.report.contract import Stacks, Table, Text
from probes.statistics import Estimate
from tests.probes.domains.shelves import toy_shelf


def test_findings_are_grouped_by_the_agent_that_was_probed() -> None:
    step = clusters_step(("T-", "brake"), ("--agent", "a", "--game", "pong"), Path("d"))
    assert " ".join(step.words) == (
        "clusters d/findings/t-minus d/findings/action-brake --states d/states --agent a --game pong"
        " -o d/clusters"
    )


def test_one_of_each_group_is_shown_with_what_sets_it_apart(tmp_path: Path) -> None:
    counts, shown, nothing = clusters_section(toy_shelf(tmp_path)).items
    assert isinstance(counts, Table)
    assert counts.rows[0][:4] == ("T-", 4, 2, 1)
    assert isinstance(counts.rows[0][4], Estimate)
    assert counts.rows[0][5] is None
    assert isinstance(shown, Stacks)
    assert shown.file == "findings/t-minus/stored.npy"
    assert shown.indices == (1, 2)
    assert shown.labels == ("3 of 4: red light", "1 of 4")
    assert nothing == Text("v-minus: nothing was found.")
