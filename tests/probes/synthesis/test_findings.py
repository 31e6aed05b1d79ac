from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor

from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.synthesis.findings import CURVES, KIND, load_findings, manifest_config, slug, write_findings
from probes.synthesis.search_config import SearchConfig
from probes.synthesis.synthesise import Subject
from probes.synthesis.targets import TARGETS, TargetConfig, resolve
from tests.probes.searched import TARGET, made_up
from tests.probes.toy_sets import toy_subject


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return toy_subject(tmp_path_factory.mktemp("toy") / "states")


def test_findings_are_read_as_they_were_written(tmp_path: Path, subject: Subject) -> None:
    searched, path = made_up(), tmp_path / "t-minus"
    result = write_findings(path, subject, searched, {"a": 1}, {"states": subject.states.path})
    found = load_findings(path)
    assert found.result == json.loads(json.dumps(result))
    assert found.manifest.seed == 5
    assert found.result["agent"] == {
        "name": "linear-1",
        "digest": "1",
        "actions": ["go", "brake"],
        "has_critic": True,
    }
    for name in ("stored", "stored_mean", "z"):
        np.testing.assert_array_equal(getattr(found, name), getattr(searched.finding, name))
    for name in ("mu", "log_sigma"):
        np.testing.assert_allclose(getattr(found, name), getattr(searched.finding, name), rtol=1e-3)
        assert getattr(found, name).dtype == np.float16
    for row, name in enumerate(CURVES):
        np.testing.assert_array_equal(found.curves[row], getattr(searched.finding.curve, name))
    np.testing.assert_array_equal(found.real_objective, searched.real.measured.objective)
    np.testing.assert_array_equal(found.real_indices, np.arange(200, 300))
    np.testing.assert_array_equal(found.real_highest, searched.real.stored_extreme[:8])
    assert found.name == "t-minus"
    assert found.objective.tolist() == [50.0, 120.0, 99.5, 120.0]
    assert found.passes.tolist() == [True, False, True, False]
    assert found.order.tolist() == [2, 0, 1, 3]


def test_damaged_findings_say_what_to_do(tmp_path: Path, subject: Subject) -> None:
    path = tmp_path / "t-minus"
    write_findings(path, subject, made_up(), {}, {"states": subject.states.path})
    data = bytearray((path / "stored.npy").read_bytes())
    data[-1] ^= 1
    (path / "stored.npy").write_bytes(data)
    with pytest.raises(ProbeError, match=r"stored\.npy: altered: .* delete .* again"):
        load_findings(path)
    with pytest.raises(ProbeError, match="`probes search` makes one"):
        load_findings(tmp_path / "t-plus")


def test_every_target_has_a_directory_of_its_own() -> None:
    slugs = {name: slug(name, name) for name in TARGETS}
    assert slugs == {
        "T-": "t-minus",
        "T+": "t-plus",
        "T±": "t-plus-minus",
        "S+": "s-plus",
        "S-": "s-minus",
        "V+": "v-plus",
        "V-": "v-minus",
        "uncertain": "uncertain",
        "blind": "blind",
    }
    assert slug("T+-", "T±") == "t-plus-minus"
    assert slug("brake", "action:brake") == slug("action:brake", "action:brake") == "action-brake"
    assert slug("my.module:crossing", "my.module:crossing") == "my-module-crossing"


def test_what_decides_findings_is_in_their_config(
    tmp_path: Path, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets, config = TargetConfig(), SearchConfig(seed=3)
    first = manifest_config(subject, TARGET, targets, config)
    assert first["target"] == {"name": "T-", "beta_relative": 5.0, "soft": "weighted", "source": None}
    assert "seed" not in first["search"]
    assert (first["agent"]["digest"], first["real_states"]) == ("1", 100)
    assert manifest_config(subject, TARGET, targets, replace(config, steps=7)) != first
    assert manifest_config(subject, TARGET, replace(targets, beta_relative=1.0), config) != first
    (tmp_path / "own_target.py").write_text("def j(output, states):\n    return output.value\n")
    monkeypatch.chdir(tmp_path)
    own = resolve("own_target:j", subject.agent, subject.reference.recorded(), states=_seen(subject))
    before = manifest_config(subject, own, targets, config)["target"]["source"]
    (tmp_path / "own_target.py").write_text("def j(output, states):\n    return -output.value\n")
    assert manifest_config(subject, own, targets, config)["target"]["source"] != before
    assert len(before) == 64


def _seen(subject: Subject) -> list[Tensor]:
    return [subject.states.states(np.arange(20))]


def test_findings_are_current_only_for_the_same_inputs(tmp_path: Path, subject: Subject) -> None:
    config = manifest_config(subject, TARGET, TargetConfig(), SearchConfig(seed=5))
    parents = {"states": subject.states.path}
    write_findings(tmp_path / "f", subject, made_up(), config, parents)
    assert artifact.is_current(tmp_path / "f", KIND, config=config, seed=5, parents=parents)
    assert not artifact.is_current(tmp_path / "f", KIND, config=config, seed=6, parents=parents)
