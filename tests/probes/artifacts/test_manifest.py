"""Manifests that cannot be used: each says where, what and what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from probes.agent import ProbeError
from probes.artifacts.manifest import FileRecord, Manifest, Parent, read_manifest


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return the directory of an artifact whose file is not looked at."""
    directory = tmp_path / "states"
    directory.mkdir()
    files = {"frames.npy": FileRecord("ab", 2)}
    manifest = Manifest(
        path=directory, kind="state-set", format_version=1, files=files, command="probes collect --seed 7",
        config={"a": [1]}, seed=7, packages={}, python="3.11", commit=None, dirty=None,
        parents={"agent": Parent("file", "cd", "../agent")}, created="2026-01-01",
    )  # fmt: skip
    (directory / "manifest.json").write_text(json.dumps(manifest.to_json()))
    return directory


def change(directory: Path, **fields: object) -> None:
    data = json.loads((directory / "manifest.json").read_text())
    (directory / "manifest.json").write_text(json.dumps({**data, **fields}))


def test_a_manifest_is_read_as_it_was_written(directory: Path) -> None:
    found = read_manifest(directory, "state-set")
    assert found.files == {"frames.npy": FileRecord("ab", 2)}
    assert found.parents["agent"].path == "../agent"
    assert found.to_json() == json.loads((directory / "manifest.json").read_text())
    assert read_manifest(directory, None) == found


def test_a_digest_is_of_what_was_made_and_not_of_how(directory: Path) -> None:
    # printf '["state-set", 1, {"a": [1]}, 7, {"frames.npy": "ab"}]' | sha256sum
    digest = "f0581bdf2f395f64cb33b053a00fd04fdb42003c686f1eeaae1cb0f38521d04c"
    assert read_manifest(directory, None).digest == digest
    change(directory, command="other", created="later", parents={}, packages={"torch": "9"}, dirty=True)
    assert read_manifest(directory, None).digest == digest


def test_an_artifact_that_is_missing_is_told_with_the_command_that_makes_it(directory: Path) -> None:
    with pytest.raises(ProbeError, match="absent: does not exist; `probes fit` makes one"):
        read_manifest(directory.with_name("absent"), "state-model")
    with pytest.raises(ProbeError, match="absent: does not exist; run the stage that makes it"):
        read_manifest(directory.with_name("absent"), None)
    with pytest.raises(
        ProbeError, match=r"stats: does not exist; did you mean .*/states\?; `probes collect`"
    ):
        read_manifest(directory.with_name("stats"), "state-set")
    (directory / "manifest.json").unlink()
    with pytest.raises(ProbeError, match=r"has no manifest\.json, so it is no state-set; `probes collect`"):
        read_manifest(directory, "state-set")


def test_another_kind_is_told(directory: Path) -> None:
    with pytest.raises(
        ProbeError, match="holds a state-set, wanted is a state-model; `probes fit` makes one"
    ):
        read_manifest(directory, "state-model")


def test_a_newer_format_is_told(directory: Path) -> None:
    change(directory, format_version=2, new_field=0)
    with pytest.raises(ProbeError, match="format version 2, this program reads up to 1; update it"):
        read_manifest(directory, "state-set")


@pytest.mark.parametrize(
    "fields",
    [
        {"config": {"a": [2]}},
        {"seed": 8},
        {"files": {}},
        {"files": 3},
        {"files": {"frames.npy": {"sha256": "ab"}}},
        {"files": {"frames.npy": {"sha256": "ab", "bytes": "2"}}},
        {"format_version": 0},
        {"format_version": "1"},
        {"parents": {"agent": {}}},
        {"unknown": 1},
    ],
)
def test_an_altered_manifest_is_told_with_what_to_do(directory: Path, fields: dict[str, object]) -> None:
    change(directory, **fields)
    with pytest.raises(
        ProbeError, match=r"altered: .*; delete .*/states; run `probes collect --seed 7` again"
    ):
        read_manifest(directory, "state-set")


def test_a_truncated_manifest_is_told_with_what_to_do(directory: Path) -> None:
    text = (directory / "manifest.json").read_text()
    (directory / "manifest.json").write_text(text[:40])
    with pytest.raises(
        ProbeError, match=r"manifest\.json: .*not JSON.*; delete .*/states; `probes collect` makes one"
    ):
        read_manifest(directory, "state-set")


@pytest.mark.parametrize("text", ["[]", "{}", '{"kind": 3}'])
def test_json_that_is_no_manifest_is_told(directory: Path, text: str) -> None:
    (directory / "manifest.json").write_text(text)
    with pytest.raises(ProbeError, match="describes no artifact"):
        read_manifest(directory, "state-set")
