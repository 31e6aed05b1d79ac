"""How a directory is replaced so that a crash leaves nothing half done: filled aside, synced, renamed."""

from __future__ import annotations

import errno
import fcntl
import glob
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from probes.agent import ProbeError

#: What the machine can refuse, as opposed to mistakes of a program.
_REFUSALS = {
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO,
    errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG,
}  # fmt: skip


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Replace a directory, if there is one, once its successor is complete.

    Yields:
        A scratch directory beside `path`, to be filled. After any exception it is removed, and what was at
        `path` is as it was.

    Raises:
        ProbeError: the disk is full or cannot be written to.
    """
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    lock = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear_abandoned(path)
        scratch.mkdir()
        lock = _lock(scratch)
        yield scratch
        for entry in (scratch, *scratch.rglob("*")):
            _sync(entry)
        _swap(scratch, path)
    except OSError as error:
        if not _is_refusal(error):
            raise
        raise ProbeError(_in_words(error, path, scratch)) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _swap(scratch: Path, path: Path) -> None:
    """Rename `scratch` to `path`; a directory cannot be renamed onto a full one, so that one steps aside."""
    old = scratch.with_suffix(".old")
    try:
        if path.exists():
            path.rename(old)
        scratch.rename(path)
    except BaseException:
        if old.exists() and not path.exists():
            old.rename(path)
        raise
    _sync(path.parent)
    shutil.rmtree(old, ignore_errors=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lock(directory: Path) -> int | None:
    """Lock a directory until the descriptor is closed or the process dies; None if another holds it."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held, or a file system without locks
        os.close(descriptor)
        return None
    return descriptor


def _clear_abandoned(path: Path) -> None:
    """Remove what killed processes left beside `path`, and put back a directory that one had moved aside."""
    beside = f".{glob.escape(path.name)}.{'?' * 8}"
    for old in path.parent.glob(f"{beside}.old"):
        if path.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.rename(path)
    for scratch in path.parent.glob(f"{beside}.partial"):
        with suppress(FileNotFoundError):  # its process has just finished
            lock = _lock(scratch)
            if lock is not None:
                shutil.rmtree(scratch, ignore_errors=True)
                os.close(lock)


def _is_refusal(error: OSError) -> bool:
    # NumPy reports a full disk without a number: "1000 requested and 500 written".
    return error.errno in _REFUSALS or (error.errno is None and str(error).endswith("written"))


def _in_words(error: OSError, path: Path, scratch: Path) -> str:
    standing = f"what was at {path} is untouched" if path.exists() else "nothing was left there"
    if error.errno not in (errno.ENOSPC, errno.EDQUOT, None):
        where = f" ({error.filename})" if error.filename else ""
        return f"{path}: cannot be written: {error.strerror}{where}; {standing}; choose another place"
    sizes = [file.lstat() for file in scratch.rglob("*")]
    free = shutil.disk_usage(path.parent).free + sum(size.st_blocks * 512 for size in sizes)
    return (
        f"{path}: the disk is full: {free:,} bytes free without it, and its files had come to need"
        f" {sum(size.st_size for size in sizes):,}; {standing}; make room and run again"
    )
