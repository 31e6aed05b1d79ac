"""A part of a progress bar that one of several tasks fills."""

from __future__ import annotations

from probes.progress import Note, Track


class Portion:
    """Counts what one task has done toward the whole.

    Args:
        bar: of the whole.
        size: what the task is expected to come to; it counts as that much, whatever it comes to.
    """

    def __init__(self, bar: Track, size: int) -> None:
        self._bar, self._size, self._done = bar, size, 0

    def reach(self, done: int, **notes: Note) -> None:
        """Count so much of the task as done; notes are shown beside the bar."""
        now = min(done, self._size)
        self._bar.advance(now - self._done, **notes)
        self._done = now

    def fill(self) -> None:
        """Count the whole task as done."""
        self.reach(self._size)
