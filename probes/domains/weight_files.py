"""Reading files of weights that others made, as if each were an attack.

A file that `torch.save` wrote is a ZIP archive of a pickle and raw numbers. Here the pickle is read through
as data first: it may ask for tensors alone, and for nothing that could run or grow. Then the archive is
written anew, so that torch reads exactly what was looked at, and loaded with `weights_only`.
"""

from __future__ import annotations

import io
import pickletools
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import NoReturn

import torch
from torch import Tensor

from probes.agent import ProbeError

MAX_BYTES = 128 << 20
"""Of a file, and of all that an archive says it holds; a double DQN with its optimiser's state has 27 MB."""
MAX_ENTRIES = 1_000
"""Of an archive."""
MAX_PICKLE_BYTES = 1 << 20
MAX_RATIO = 100
"""By which an entry may have been compressed; numbers shrink by a tenth or so."""

_DIRECTORY_ENTRY = b"PK\x01\x02"
_ENCRYPTED = 0x1
_OPCODES = {
    "PROTO", "STOP", "MARK", "EMPTY_DICT", "EMPTY_LIST", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3",
    "NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE", "BINPUT", "BINGET",
    "LONG_BINPUT", "LONG_BINGET", "GLOBAL", "BINPERSID", "REDUCE", "BUILD", "SETITEM", "SETITEMS", "APPEND",
    "APPENDS",
}  # fmt: skip
_GLOBALS = frozenset(
    {
        "collections OrderedDict",
        "torch._utils _rebuild_tensor_v2",
        "torch._utils _rebuild_parameter",
        *(f"torch {kind}Storage" for kind in ("Float", "Double", "Half", "BFloat16", "Long")),
    }
)
_LARGEST = {"LONG_BINPUT": 100_000, "LONG_BINGET": 100_000, "LONG1": 2**62}


def read_file(path: Path) -> bytes:
    """Read a file of at most `MAX_BYTES`.

    Raises:
        ProbeError: it is not there, not a plain file, or too large.
    """
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise ProbeError(f"{path}: found a folder or a device, allowed is a file of weights")
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise ProbeError(f"{path}: cannot be read: {error}") from error
    if len(content) > MAX_BYTES:
        raise ProbeError(f"{path}: is larger than the {MAX_BYTES >> 20} MiB that are allowed")
    return content


def _damaged(where: str, error: Exception) -> NoReturn:
    raise ProbeError(f"{where}: damaged or truncated: {type(error).__name__}: {error}") from error


class Archive:
    """A ZIP archive in memory, whose entries have been checked and are only ever read one by one.

    Args:
        content: the archive.
        where: named in errors.

    Raises:
        ProbeError: it is none, or one of its entries is suspicious.
    """

    def __init__(self, content: bytes, where: str) -> None:
        self._where = where
        # Counted before they are listed, because a list of millions would fill the memory.
        if content.count(_DIRECTORY_ENTRY) > MAX_ENTRIES:
            raise ProbeError(f"{where}: holds more than the {MAX_ENTRIES} entries that are allowed")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except Exception as error:  # whatever a parser of hostile bytes may come upon
            _damaged(where, error)
        self._infos = {info.filename: info for info in self._zip.infolist()}
        if len(self._infos) != len(self._zip.infolist()):
            raise ProbeError(f"{where}: holds two entries of the same name")
        for info in self._infos.values():
            self._check(info)
        if sum(info.file_size for info in self._infos.values()) > MAX_BYTES:
            raise ProbeError(f"{where}: would unpack to more than the {MAX_BYTES >> 20} MiB that are allowed")

    def _check(self, info: zipfile.ZipInfo) -> None:
        name, where = info.filename, f"{self._where}: entry {info.filename[:80]!r}"
        if name.startswith("/") or "\\" in name or ":" in name or ".." in PurePosixPath(name).parts:
            raise ProbeError(f"{where} names a place outside the archive")
        if info.flag_bits & _ENCRYPTED:
            raise ProbeError(f"{where} is encrypted")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ProbeError(f"{where} is packed by method {info.compress_type}, allowed are 0 and 8")
        if info.file_size > MAX_RATIO * max(info.compress_size, 1):
            raise ProbeError(f"{where} would unpack to more than {MAX_RATIO} times its size")

    @property
    def names(self) -> list[str]:
        """Return the names of the entries."""
        return list(self._infos)

    def is_compressed(self, name: str) -> bool:
        """Tell whether an entry is packed."""
        return self._infos[name].compress_type != zipfile.ZIP_STORED

    def read(self, name: str) -> bytes:
        """Read an entry.

        Raises:
            ProbeError: it is not there, or damaged.
        """
        if name not in self._infos:
            held = ", ".join(sorted(self._infos)[:8]) or "nothing"
            raise ProbeError(f"{self._where}: holds no {name!r}, only {held}")
        try:
            return self._zip.read(self._infos[name])
        except Exception as error:  # as above
            _damaged(f"{self._where}: entry {name!r}", error)


def check_pickle(content: bytes, where: str) -> None:
    """Read a pickle through without running it.

    Args:
        content: the pickle.
        where: named in errors.

    Raises:
        ProbeError: it is not one that holds named tensors alone.
    """
    if len(content) > MAX_PICKLE_BYTES:
        raise ProbeError(f"{where}: is larger than the {MAX_PICKLE_BYTES >> 10} KiB that are allowed")
    try:
        for opcode, argument, _ in pickletools.genops(content):
            if opcode.name == "GLOBAL" and argument not in _GLOBALS:
                asked = str(argument)[:80].replace(" ", ".")
                raise ProbeError(f"{where}: asks for {asked!r}; allowed are tensors alone, nothing was run")
            if opcode.name not in _OPCODES:
                raise ProbeError(f"{where}: does {opcode.name}, which weights alone do not need")
            if opcode.name in _LARGEST and abs(int(argument or 0)) > _LARGEST[opcode.name]:
                raise ProbeError(f"{where}: does {opcode.name} of {str(argument)[:40]}, which is too large")
    except ProbeError:
        raise
    except Exception as error:  # whatever a parser of hostile bytes may come upon
        _damaged(where, error)


def load_tensors(content: bytes, where: str) -> dict[str, Tensor]:
    """Return the named tensors that `torch.save` wrote; nothing in them can run.

    Args:
        content: of the file.
        where: named in errors.

    Raises:
        ProbeError: it holds anything else, or is damaged.
    """
    archive = Archive(content, where)
    pickles = [name for name in archive.names if name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise ProbeError(f"{where}: found {len(pickles)} data.pkl, allowed is one: what torch.save wrote")
    root = pickles[0].removesuffix("data.pkl")
    check_pickle(archive.read(pickles[0]), f"{where}: {pickles[0]}")
    try:
        found = torch.load(io.BytesIO(_rewrite(archive, root, where)), "cpu", weights_only=True)
    except ProbeError:
        raise
    except Exception as error:  # torch raises many kinds
        _damaged(where, error)
    if not isinstance(found, Mapping):
        raise ProbeError(f"{where}: found {type(found).__name__}, allowed are tensors by name")
    return {_name(key, where): _tensor(key, value, where) for key, value in found.items()}


def _rewrite(archive: Archive, root: str, where: str) -> bytes:
    """Write what torch is to read into an archive of our own."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as copy:
        for name in archive.names:
            part = name.removeprefix(root)
            if not name.startswith(root) or not part.startswith(
                ("data.pkl", "data/", "version", "byteorder")
            ):
                continue
            if archive.is_compressed(name):
                raise ProbeError(f"{where}: entry {name[:80]!r} is packed, which torch.save never does")
            copy.writestr(f"archive/{part}", archive.read(name))
    return stream.getvalue()


def _name(key: object, where: str) -> str:
    if not isinstance(key, str):
        raise ProbeError(f"{where}: found a tensor named {str(key)[:40]!r}, allowed are texts")
    return key


def _tensor(key: object, value: object, where: str) -> Tensor:
    """Require a plain tensor. Its shape is the caller's to check before it is computed with."""
    is_plain = type(value) in (Tensor, torch.nn.Parameter)
    if not isinstance(value, Tensor) or not is_plain or value.layout is not torch.strided:
        raise ProbeError(f"{where}: {key!s:.80} is {type(value).__name__}, allowed are plain tensors")
    return value.detach()
