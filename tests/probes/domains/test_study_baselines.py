from __future__ import annotations

from pathlib import Path

import numpy as np

from probes.domains.study_baselines import BASELINES, baselines_section, write_baselines
from probes.domains.study_sections import Shelf
from probes.report.contract import Stacks, Table
from tests.probes.domains.shelves import activation_max, samples, write


def test_the_first_state_of_each_method_is_shown(tmp_path: Path) -> None:
    write(tmp_path, "samples", samples())
    write(tmp_path, "activation-max", activation_max())
    shelf = Shelf(tmp_path, ())
    write_baselines(shelf)
    table, stacks = baselines_section(shelf, "scenes").items
    assert isinstance(table, Table)
    assert [row[0] for row in table.rows] == [
        "search within the state model",
        "pixels, neighbours alike (Sobolev), 0.5 times as strong",
    ]
    assert isinstance(stacks, Stacks)
    assert "are scenes, and which are noise" in stacks.look_for
    assert stacks.indices == (0, 1)
    assert np.load(tmp_path / BASELINES).shape == (2, *stacks.layout.stored_shape)
