from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from probes.state_models.fit_log import FitLog


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_line_tells_the_means_of_fifty_iterations(tmp_path: Path) -> None:
    log = FitLog(tmp_path / "log", 0)
    for iteration in range(100):
        log.add({"loss": torch.tensor(float(iteration), requires_grad=True)}, iteration)
        assert log.notes == ({} if iteration < 49 else {"loss": 24.5} if iteration < 99 else {"loss": 74.5})
    found = lines(tmp_path / "log")
    assert [(line["iteration"], line["loss"]) for line in found] == [(50, 24.5), (100, 74.5)]
    assert found[0]["iterations_per_s"] > 0


def test_a_term_that_comes_later_is_averaged_over_its_own_iterations(tmp_path: Path) -> None:
    log = FitLog(tmp_path / "log", 0)
    for iteration in range(50):
        late = {"agent": torch.tensor(3.0)} if iteration >= 40 else {}
        log.add({"loss": torch.tensor(1.0), **late}, iteration)
    assert log.notes == {"loss": 1.0, "agent": 3.0}


def test_what_is_left_at_the_end_is_told_once(tmp_path: Path) -> None:
    log = FitLog(tmp_path / "log", 0)
    for iteration in range(52):
        log.add({"loss": torch.tensor(float(iteration))}, iteration)
    log.flush(52)
    log.flush(52)
    assert [(line["iteration"], line["loss"]) for line in lines(tmp_path / "log")] == [(50, 24.5), (52, 50.5)]


@pytest.mark.parametrize("torn", ["", '{"iteration": 2', "{}", "5"])
def test_going_on_drops_the_lines_of_iterations_that_will_be_run_again(tmp_path: Path, torn: str) -> None:
    file = tmp_path / "log"
    file.write_text('{"iteration": 50}\n{"iteration": 100}\n{"iteration": 150}\n' + torn)
    log = FitLog(file, 100)
    log.add({"loss": torch.tensor(2.0)}, 149)
    assert [line["iteration"] for line in lines(file)] == [50, 100, 150]
    assert lines(file)[-1]["loss"] == 2.0
