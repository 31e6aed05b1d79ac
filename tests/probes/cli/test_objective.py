from __future__ import annotations

from pathlib import Path

import pytest

from probes.artifacts import artifact
from probes.cli import main
from probes.cli.objective import KIND
from probes.synthesis.findings import write_findings
from tests.probes.cli.conftest import told
from tests.probes.searched import made_up
from tests.probes.toy_sets import toy_subject


def test_several_targets_are_compared_in_one_artifact(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subject = toy_subject(tmp_path / "states")
    for name in ("t-minus", "t-plus"):
        write_findings(tmp_path / name, subject, made_up(), {}, {"states": tmp_path / "states"})
    arguments = ["objective", *(str(tmp_path / name) for name in ("t-minus", "t-plus"))]
    arguments += ["--json", "-o", str(tmp_path / "o")]
    assert main(arguments) == 0
    first = told(capsys)
    assert set(first["targets"]) == {"t-minus", "t-plus"}
    assert first["targets"]["t-plus"]["passed"]["beyond_99"]["value"] == 0.5
    assert first["targets"]["t-plus"]["passed"]["beyond_99"]["n"] == 2
    before = artifact.load(tmp_path / "o", KIND)
    assert main(arguments) == 0
    assert told(capsys) == first
    assert artifact.load(tmp_path / "o", KIND) == before
