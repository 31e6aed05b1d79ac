"""Directories are replaced whole or not at all, whatever the machine refuses."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from probes.agent import ProbeError
from probes.artifacts import replacement
from probes.artifacts.payload import save_tensors
from probes.artifacts.replacement import replacing


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a directory that holds an old result."""
    (tmp_path / "result").mkdir()
    (tmp_path / "result" / "old").write_text("as it was")
    return tmp_path / "result"


def assert_untouched(path: Path) -> None:
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert {entry.name: entry.read_text() for entry in path.iterdir()} == {"old": "as it was"}


def refuse(code: int) -> OSError:
    return OSError(code, os.strerror(code))


def test_a_complete_directory_replaces_the_old_one(path: Path) -> None:
    with replacing(path) as scratch:
        assert scratch.parent == path.parent
        (scratch / "new").touch()
        assert (path / "old").exists()
    assert [entry.name for entry in path.iterdir()] == ["new"]
    assert [entry.name for entry in path.parent.iterdir()] == ["result"]


@pytest.mark.parametrize(
    "error", [refuse(errno.ENOSPC), refuse(errno.EDQUOT), OSError("250000 requested and 4096 written")]
)
def test_a_full_disk_names_the_directory_the_room_and_that_the_old_one_is_untouched(
    path: Path, error: OSError
) -> None:

    def write() -> None:
        with replacing(path) as scratch:
            (scratch / "new").write_bytes(bytes(8192))
            raise error

    with pytest.raises(ProbeError) as raised:
        write()
    message = str(raised.value)
    assert message.startswith(f"{path}: the disk is full: ")
    assert "bytes free without it, and its files had come to need 8,192;" in message
    assert f"what was at {path} is untouched; make room and run again" in message
    assert_untouched(path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize(
    "write",
    [
        lambda file: file.write_text("{}"),
        lambda file: np.save(file, np.zeros(1_000_000)),
        lambda file: save_tensors(file, {"weights": torch.zeros(10)}),
    ],
)
def test_whatever_does_not_fit_is_a_full_disk(path: Path, write: Callable[[Path], None]) -> None:
    def attempt() -> None:
        with replacing(path) as scratch:
            (scratch / "new.npy").symlink_to("/dev/full")
            write(scratch / "new.npy")

    with pytest.raises(ProbeError, match="the disk is full"):
        attempt()
    assert_untouched(path)


def test_a_disk_that_is_found_full_only_when_synced_leaves_the_old_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(_: int) -> None:
        raise refuse(errno.ENOSPC)

    monkeypatch.setattr("os.fsync", fsync)
    with pytest.raises(ProbeError, match="the disk is full"), replacing(path) as scratch:
        (scratch / "new").touch()
    assert_untouched(path)


def test_a_place_where_nothing_may_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mkdir(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with (
        pytest.raises(ProbeError, match=r"x: cannot be written: Permission denied \(.*\); nothing was left"),
        replacing(tmp_path / "x"),
    ):
        pytest.fail("the work was begun")


def test_a_place_below_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(ProbeError, match=r"cannot be written: .*; choose another place"),
        replacing(tmp_path / "file" / "x"),
    ):
        pytest.fail("the work was begun")


def test_an_error_of_the_program_stays_what_it_is(path: Path) -> None:
    with pytest.raises(FileNotFoundError), replacing(path):
        (path.parent / "absent").read_bytes()
    assert_untouched(path)


@pytest.mark.parametrize("failing", [1, 2])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), refuse(errno.EIO)])
def test_an_interruption_between_the_renames_puts_the_old_one_back(
    path: Path, monkeypatch: pytest.MonkeyPatch, failing: int, error: BaseException
) -> None:
    rename, calls = Path.rename, []

    def interrupted(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == failing:
            raise error
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises((KeyboardInterrupt, ProbeError)), replacing(path) as scratch:
        (scratch / "new").touch()
    assert len(calls) == 2 * failing - 1
    assert_untouched(path)


def test_what_a_killed_process_left_is_removed_and_a_living_ones_is_not(path: Path) -> None:
    abandoned = path.with_name(".result.0123abcd.partial")
    others = path.with_name(".result.x.0123abcd.partial")
    for directory in (abandoned, others):
        directory.mkdir()
        (directory / "half").touch()
    with replacing(path) as first:
        assert not abandoned.exists()
        with replacing(path) as second:
            (second / "second").touch()
        (first / "first").touch()
    assert [entry.name for entry in path.iterdir()] == ["first"]
    assert others.exists()


def test_a_directory_that_a_killed_process_had_moved_aside_comes_back(path: Path) -> None:
    path.rename(path.with_name(".result.0123abcd.old"))
    with pytest.raises(KeyboardInterrupt), replacing(path):
        raise KeyboardInterrupt
    assert_untouched(path)


def test_a_copy_that_a_killed_process_had_not_yet_removed_goes(path: Path) -> None:
    path.with_name(".result.0123abcd.old").mkdir()
    with pytest.raises(KeyboardInterrupt), replacing(path):
        raise KeyboardInterrupt
    assert_untouched(path)


def test_locks_are_released(path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with replacing(path) as scratch:
        assert replacement._lock(scratch) is None
    assert len(list(Path("/proc/self/fd").iterdir())) == before
