from __future__ import annotations

from pathlib import Path

import pytest

from probes.data.state_set import StateSet
from tests.probes.fittings import small_states


@pytest.fixture
def states(tmp_path: Path) -> StateSet:
    return small_states(tmp_path / "set")
