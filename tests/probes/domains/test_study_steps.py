from __future__ import annotations

from pathlib import Path

from probes.domains.study_steps import (
    SearchAmounts,
    braking_step,
    collect_step,
    contents_step,
    finding_name,
    search_step,
)

FEW = SearchAmounts(300, 100, 60, 3, 4)


def test_amounts_reach_their_stages() -> None:
    collect = " ".join(collect_step("a", FEW, Path("d/states")).words)
    assert collect == "collect --agent a --fit-states 300 --held-out-states 100 -o d/states"
    search = " ".join(search_step(("T-", "brake"), ("--agent", "a"), FEW, 9, Path("d/f")).words)
    assert search.startswith("search T- brake --agent a --real-states 60 --chains 3 --steps 4 ")
    assert search.endswith("--seed 9 -o d/f")
    braking = " ".join(braking_step("a", 5, Path("d/b")).words)
    assert braking == "braking --agent a --episodes 5 -o d/b"


def test_what_findings_show_is_counted_by_the_agents_own_camera() -> None:
    words = " ".join(contents_step(["f/t-minus", "f/v-plus"], "a", Path("s"), Path("c")).words)
    assert words == "contents f/t-minus f/v-plus --states s --agent a -o c"


def test_findings_are_called_as_the_search_calls_them() -> None:
    assert [finding_name(target) for target in ("T-", "V+", "T±", "blind", "brake")] == [
        "t-minus", "v-plus", "t-plus-minus", "blind", "action-brake",
    ]  # fmt: skip
