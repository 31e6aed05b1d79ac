from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from probes.agent import ProbeError
from probes.study import Step, run_steps

STEPS = [Step("collect states", ("collect", "-o", "a")), Step("search", ("search", "T-")), Step("c", ("d",))]


def test_stages_run_in_order_and_are_announced() -> None:
    ran: list[tuple[str, ...]] = []

    def run(words: tuple[str, ...]) -> int:
        ran.append(words)
        return 0

    shown = Console(file=StringIO(), width=60)
    assert 0 <= run_steps(STEPS, run, shown) < 10
    assert ran == [("collect", "-o", "a"), ("search", "T-"), ("d",)]
    assert isinstance(shown.file, StringIO)
    assert "2 of 3: search" in shown.file.getvalue()


def test_a_stage_that_fails_is_named_and_ends_the_study() -> None:
    ran: list[str] = []

    def run(words: tuple[str, ...]) -> int:
        ran.append(words[0])
        return 4 if words[0] == "search" else 0

    with pytest.raises(ProbeError, match=r"stage 2 of 3 \(search\) failed with status 4; .* kept"):
        run_steps(STEPS, run, Console(quiet=True))
    assert ran == ["collect", "search"]
