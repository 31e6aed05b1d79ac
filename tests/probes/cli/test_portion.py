from __future__ import annotations

from probes.cli.portion import Portion
from probes.progress import track


def test_tasks_fill_a_bar_one_after_the_other_whatever_they_come_to() -> None:
    with track(20, "test", "things") as bar:
        short, long = Portion(bar, 10), Portion(bar, 10)
        short.reach(3)
        short.reach(6, model="paper")
        assert (bar.done, bar.notes) == (6, {"model": "paper"})
        short.fill()
        assert bar.done == 10
        long.reach(9)
        long.reach(14)
        long.fill()
        assert bar.done == 20
