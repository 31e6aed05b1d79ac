"""Artifacts: written whole or not at all, and checked when they are read."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from probes.agent import ProbeError
from probes.artifacts import artifact, provenance

CONFIG = {"states": 3, "sizes": (4, 5)}
ZEROS_SHA256 = "af5570f5a1810b7af78caf4bc70a660f0df51e42baf91d4de5b2328de0e83dfc"
"""Of eight zero bytes."""


def make(
    path: Path,
    kind: str = "state-set",
    *,
    fill: int = 0,
    config: Mapping[str, Any] = CONFIG,
    seed: int = 7,
    parents: Mapping[str, Path] | None = None,
) -> artifact.Manifest:
    with artifact.writing(path, kind, config=config, seed=seed, parents=parents or {}) as scratch:
        (scratch / "frames.bin").write_bytes(bytes([fill] * 8))
        (scratch / "more").mkdir()
        (scratch / "more" / "scores.bin").write_bytes(b"scores")
    return artifact.load(path, kind)


def contents(directory: Path) -> dict[str, bytes]:
    files = [file for file in directory.rglob("*") if file.is_file()]
    return {str(file.relative_to(directory)): file.read_bytes() for file in files}


def test_a_manifest_says_what_was_made_and_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["/somewhere/bin/probes", "collect", "--out", "two words"])
    found = make(tmp_path / "states")
    assert found.files["frames.bin"] == (ZEROS_SHA256, 8)
    assert set(found.files) == {"frames.bin", "more/scores.bin"}
    assert found.command == "probes collect --out 'two words'"
    assert (found.kind, found.format_version, found.seed) == ("state-set", 1, 7)
    assert found.config == {"states": 3, "sizes": [4, 5]}
    assert {"numpy", "torch"} <= set(found.packages)
    assert found.created.endswith("+00:00")
    assert found.parents == {}
    written = json.loads((tmp_path / "states" / "manifest.json").read_text())
    assert written == found.to_json()
    assert str(tmp_path) not in json.dumps(written)


def test_equal_results_have_one_digest_wherever_and_whenever_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make(tmp_path / "a")
    monkeypatch.setattr("sys.argv", ["probes", "other"])
    assert make(tmp_path / "b").digest == first.digest
    others = [
        make(tmp_path / "c", "findings"),
        make(tmp_path / "d", fill=1),
        make(tmp_path / "e", config={"states": 4}),
        make(tmp_path / "f", seed=8),
    ]
    assert len({first.digest, *(other.digest for other in others)}) == 5


def test_a_newer_result_replaces_the_older_whole(tmp_path: Path) -> None:
    with artifact.writing(tmp_path / "deep" / "x", "findings", config={}, seed=0, parents={}) as scratch:
        (scratch / "only-before").touch()
    make(tmp_path / "deep" / "x", "findings")
    assert set(contents(tmp_path)) == {
        "deep/x/frames.bin",
        "deep/x/more/scores.bin",
        "deep/x/manifest.json",
    }


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, ValueError])
def test_an_interruption_leaves_the_older_artifact_and_no_scratch(
    tmp_path: Path, interruption: type[BaseException]
) -> None:
    make(tmp_path / "states")
    before = contents(tmp_path)

    def interrupted() -> None:
        with artifact.writing(tmp_path / "states", "state-set", config={}, seed=0, parents={}) as scratch:
            (scratch / "frames.bin").write_bytes(b"half")
            raise interruption

    with pytest.raises(interruption):
        interrupted()
    assert contents(tmp_path) == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["states"]


def test_an_interruption_of_the_first_writing_leaves_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        artifact.writing(tmp_path / "states", "state-set", config={}, seed=0, parents={}),
    ):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_config_that_json_cannot_keep_is_refused_before_the_work(tmp_path: Path) -> None:
    with (
        pytest.raises(ProbeError, match=r"\.alpha is nan, of type float"),
        artifact.writing(tmp_path / "x", "findings", config={"alpha": float("nan")}, seed=0, parents={}),
    ):
        pytest.fail("the work was begun")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_artifact_of_the_kind_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter").write_text("dear")
    (tmp_path / "file").write_text("dear")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "manifest.json").write_text("{}")
    make(tmp_path / "findings", "findings")
    before = contents(tmp_path)
    for name in ("home", "file", "site", "findings"):
        with pytest.raises(ProbeError, match=f"{name}: is there already and is no state-set"):
            make(tmp_path / name)
    assert contents(tmp_path) == before


def test_a_damaged_artifact_and_an_empty_directory_are_replaced(tmp_path: Path) -> None:
    make(tmp_path / "states")
    (tmp_path / "states" / "manifest.json").write_text('{"kind": "sta')
    (tmp_path / "empty").mkdir()
    assert make(tmp_path / "states").digest == make(tmp_path / "empty").digest


def test_a_flipped_bit_is_named_with_both_hashes_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["probes", "collect", "--seed", "7"])
    make(tmp_path / "states")
    (tmp_path / "states" / "frames.bin").write_bytes(bytes([0, 0, 0, 4, 0, 0, 0, 0]))
    with pytest.raises(ProbeError) as raised:
        artifact.load(tmp_path / "states", "state-set")
    flipped = "525c3368aba80a606f181bd81ae58ae0cff8a52d05b47ddc01c0c3d1273397e4"
    message = str(raised.value)
    assert f"{tmp_path / 'states' / 'frames.bin'}: altered" in message
    assert ZEROS_SHA256 in message
    assert flipped in message
    assert f"delete {tmp_path / 'states'} and run `probes collect --seed 7` again" in message
    assert artifact.load(tmp_path / "states", "state-set", verify=False).seed == 7


@pytest.mark.parametrize("verify", [True, False])
def test_a_truncated_and_a_missing_file_are_noticed_without_hashing_too(tmp_path: Path, verify: bool) -> None:
    make(tmp_path / "states")
    (tmp_path / "states" / "frames.bin").write_bytes(bytes(5))
    with pytest.raises(ProbeError, match=r"frames\.bin: has 5 bytes, its manifest says 8; delete"):
        artifact.load(tmp_path / "states", "state-set", verify)
    (tmp_path / "states" / "frames.bin").unlink()
    with pytest.raises(ProbeError, match=r"frames\.bin: cannot be read \(No such file"):
        artifact.load(tmp_path / "states", "state-set", verify)


def test_it_is_current_only_while_nothing_has_changed(tmp_path: Path) -> None:
    states, model = tmp_path / "states", tmp_path / "model"
    make(states)

    def is_current(config: Mapping[str, Any] = CONFIG, seed: int = 7, role: str = "state-set") -> bool:
        return artifact.is_current(model, "state-model", config=config, seed=seed, parents={role: states})

    assert not is_current()
    make(model, "state-model", parents={"state-set": states})
    assert is_current()
    assert not is_current(config={**CONFIG, "states": 4})
    assert not is_current(seed=8)
    assert not is_current(role="others")
    make(states)
    assert is_current()
    make(states, fill=1)
    assert not is_current()


def test_it_is_not_current_when_damaged(tmp_path: Path) -> None:
    make(tmp_path / "states")
    (tmp_path / "states" / "frames.bin").write_bytes(b"altered!")
    assert not artifact.is_current(tmp_path / "states", "state-set", config=CONFIG, seed=7, parents={})


def test_a_parent_that_has_changed_is_named_with_both_digests(tmp_path: Path) -> None:
    states = tmp_path / "states"
    old = make(states)
    model = make(tmp_path / "model", "state-model", parents={"state-set": states})
    assert model.parents["state-set"] == ("state-set", old.digest, "../states")
    artifact.check_parents(model, {"state-set": states})
    new = make(states, fill=1)
    with pytest.raises(ProbeError, match=f"{old.digest}, that of {states} is {new.digest}; run `"):
        artifact.check_parents(model, {"state-set": states})
    with pytest.raises(ProbeError, match=r"was made from \['state-set'\], not from \[\]"):
        artifact.check_parents(model, {})


@pytest.mark.parametrize("role", ["state-set", "states"])
def test_a_missing_parent_is_named_with_the_command_that_makes_it(tmp_path: Path, role: str) -> None:
    make(tmp_path / "states-1")
    parents = {role: tmp_path / "states"}
    with pytest.raises(ProbeError) as raised:
        make(tmp_path / "model", "state-model", parents=parents)
    assert str(raised.value) == (
        f"{tmp_path / 'model'}: cannot be made without its {role}: {tmp_path / 'states'}: does not exist;"
        f" did you mean {tmp_path / 'states-1'}?; `probes collect` makes one"
    )
    assert not (tmp_path / "model").exists()
    model = make(tmp_path / "model", "state-model")
    assert not artifact.is_current(model.path, "state-model", config=CONFIG, seed=7, parents=parents)


def test_a_parent_of_another_kind_than_its_role_is_refused(tmp_path: Path) -> None:
    make(tmp_path / "states", "findings")
    with pytest.raises(ProbeError, match=r"without its states: .* holds a findings, wanted is a state-set"):
        make(tmp_path / "model", "state-model", parents={"states": tmp_path / "states"})


def test_a_parent_may_be_a_plain_file(tmp_path: Path) -> None:
    agent = tmp_path / "agent.json"
    agent.write_bytes(bytes(8))
    model = make(tmp_path / "model", "state-model", parents={"agent": agent})
    assert model.parents["agent"] == ("file", ZEROS_SHA256, "../agent.json")
    agent.write_bytes(b"retrained")
    with pytest.raises(ProbeError, match="made from another agent: its digest was"):
        artifact.check_parents(model, {"agent": agent})


def test_an_artifact_is_read_where_nothing_can_be_written_and_there_is_no_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "model", "state-model")
    for directory in (tmp_path / "model", tmp_path / "model" / "more"):
        directory.chmod(0o555)
    before = contents(tmp_path)
    monkeypatch.setenv("PATH", os.devnull)
    assert artifact.load(tmp_path / "model", "state-model").kind == "state-model"
    assert contents(tmp_path) == before
    provenance.commit_of.cache_clear()  # asked once a process
    assert make(tmp_path / "other").commit is None
    provenance.commit_of.cache_clear()


def test_a_memory_map_of_an_artifact_holds_what_was_written(tmp_path: Path) -> None:
    with artifact.writing(tmp_path / "s", "state-set", config={}, seed=0, parents={}) as scratch:
        artifact.open_array(scratch / "a.npy", np.uint8, (2, 3))[1] = 9
    artifact.load(tmp_path / "s", "state-set")
    assert np.load(tmp_path / "s" / "a.npy").tolist() == [[0, 0, 0], [9, 9, 9]]
