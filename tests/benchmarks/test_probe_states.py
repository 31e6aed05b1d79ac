from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.probe_states import allowed_threads, driven_states, untrained_agent


@pytest.mark.slow
def test_an_untrained_agent_drives_and_as_many_states_are_kept_as_asked_for(tmp_path: Path) -> None:
    agent = untrained_agent()
    states = driven_states(tmp_path, agent, 8, 4)
    assert (len(states.fit_indices), len(states.held_out_indices)) == (8, 4)
    assert states.layout == agent.layout
    assert len(np.unique(states.frames[:, 0])) > 3  # classes: something was rendered


def test_there_are_no_more_threads_than_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    assert allowed_threads() == 1
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 4, 5})
    assert allowed_threads() == 2
