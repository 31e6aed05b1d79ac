"""What a long stage shows."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from probes import progress
from probes.progress import Track, track


class Clock:
    """Stands for the time module."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def test_elsewhere_than_in_a_terminal_a_line_tells_speed_time_left_and_notes(clock: Clock) -> None:
    output = io.StringIO()
    with track(6000, "fit", "iterations", Console(file=output, width=40)) as bar:
        clock.now += 300
        bar.advance(1200, loss=0.12345, stage="warm [up]", kept=12345)
    first = output.getvalue().splitlines()[0]
    assert first == (
        "fit: 1,200 of 6,000 iterations, 4/s, 20.0 min left, loss 0.1235, stage warm [up], kept 12,345"
    )


def test_lines_are_at_least_ten_seconds_apart_and_the_last_tells_the_whole_time(clock: Clock) -> None:
    output = io.StringIO()
    with track(40, "search", "steps", Console(file=output)) as bar:
        for _ in range(40):
            clock.now += 0.6
            bar.advance()
    assert output.getvalue().splitlines() == [
        "search: 17 of 40 steps, 1.7/s, 14 s left",
        "search: 34 of 40 steps, 1.7/s, 4 s left",
        "search: 40 of 40 steps in 24 s",
    ]


def test_the_speed_is_that_of_the_last_two_minutes(clock: Clock) -> None:
    output = io.StringIO()
    with track(1000, "fit", "iterations", Console(file=output)) as bar:
        clock.now += 600  # of encoding
        bar.advance(0)
        for _ in range(20):
            clock.now += 10
            bar.advance(20)
    lines = output.getvalue().splitlines()
    assert lines[0] == "fit: 0 of 1,000 iterations, 0/s"
    assert lines[-2] == "fit: 400 of 1,000 iterations, 2/s, 5.0 min left"


def test_work_that_goes_on_beyond_what_was_expected_is_still_told_of(clock: Clock) -> None:
    output = io.StringIO()
    with track(10, "games", "decisions", Console(file=output)) as bar:
        for ended in (1, 2):
            clock.now += 20
            bar.advance(10 if ended == 1 else 0, ended=f"{ended} of 2")
    assert output.getvalue().splitlines() == [
        "games: 10 of 10 decisions, 0.5/s, ended 1 of 2",
        "games: 10 of 10 decisions, 0.25/s, ended 2 of 2",
        "games: 10 of 10 decisions in 40 s, ended 2 of 2",
    ]


def test_work_of_an_earlier_run_counts_as_done_but_not_for_the_speed(clock: Clock) -> None:
    output = io.StringIO()
    with track(2000, "fit", "iterations", Console(file=output), start=1000) as bar:
        clock.now += 20
        bar.advance(500)
    assert "fit: 1,500 of 2,000 iterations, 25/s, 20 s left\n" in output.getvalue()


def test_a_stage_that_fails_does_not_say_that_it_ended(clock: Clock) -> None:
    output = io.StringIO()

    def interrupted() -> None:
        with track(3, "fit", "iterations", Console(file=output)) as bar:
            clock.now += 1
            bar.advance()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert output.getvalue() == ""


def test_a_terminal_shows_a_bar() -> None:
    output = io.StringIO()
    console = Console(file=output, width=120, force_terminal=True, color_system=None)
    with track(8, "fit [a]", "iterations", console) as bar:
        bar.advance(3, loss=0.5)
    assert "3 of 8 iterations loss 0.5" in output.getvalue()
    assert "fit [a]" in output.getvalue()


def test_without_a_console_work_is_counted_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    with track(8, "fit", "iterations") as bar:
        bar.advance()
        bar.advance(2, loss=0.5)
    assert bar.done == 3
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("seconds", "words"), [(89.0, "89 s"), (90.0, "1.5 min"), (5399.0, "90.0 min"), (5400.0, "1.5 h")]
)
def test_a_duration_is_in_the_unit_that_suits_it(seconds: float, words: str) -> None:
    assert progress._duration(seconds) == words


def test_a_slow_speed_keeps_two_digits() -> None:
    assert [progress._speed(speed) for speed in (0.0431, 4.12, 1234.4)] == ["0.043/s", "4.1/s", "1,234/s"]


def test_a_stage_that_tells_how_much_is_done_in_all_is_counted_too() -> None:
    told: list[int] = []
    bar = Track(3, lambda now: told.append(now.done))
    for done in (3, 10, 20):
        bar.report(done, 20)
    assert told == [3, 10, 20]
