"""Files of weights as an attacker, a bad download or a mistake would make them.

Each maker is given a file that must never come to be, which the code in its file would write.
"""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

#: Makes the bytes of a file, whose code would write the file at the given path.
Maker = Callable[[Path], bytes]


def good_weights(actions: int = 4) -> dict[str, Tensor]:
    """Return weights as CleanRL's DQN names them."""
    shapes = {0: (32, 4, 8, 8), 2: (64, 32, 4, 4), 4: (64, 64, 3, 3), 7: (512, 3136), 9: (actions, 512)}
    weights = {f"network.{index}.weight": torch.full(shape, 0.01) for index, shape in shapes.items()}
    return weights | {f"network.{index}.bias": torch.zeros(shape[0]) for index, shape in shapes.items()}


def saved(content: object) -> bytes:
    """Return what `torch.save` writes."""
    stream = io.BytesIO()
    torch.save(content, stream)
    return stream.getvalue()


def zipped(entries: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """Return a ZIP archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return stream.getvalue()


def unzipped(content: bytes) -> dict[str, bytes]:
    """Return the entries of a ZIP archive."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def with_pickle(content: bytes) -> bytes:
    """Return an archive like torch's around a pickle."""
    return zipped({"archive/data.pkl": content, "archive/version": b"3\n", "archive/byteorder": b"little"})


def repickled(edit: Callable[[bytes], bytes], weights: object) -> bytes:
    """Return what torch would write of the weights, its pickle edited."""
    entries = unzipped(saved(weights))
    name = next(name for name in entries if name.endswith("data.pkl"))
    changed = edit(entries[name])
    assert changed != entries[name]
    return zipped(entries | {name: changed})


def sb3(policy: bytes) -> bytes:
    """Return an archive like stable-baselines3's around a policy."""
    return zipped({"data": b"{}", "policy.pth": policy, "_stable_baselines3_version": b"2.9.2"})


def calling(module: str, function: str, argument: str) -> bytes:
    """Return a pickle that calls a function with a text."""
    text = argument.encode()
    start = f"c{module}\n{function}\n".encode()
    return b"\x80\x02" + start + b"X" + struct.pack("<I", len(text)) + text + b"\x85R."


class _Runs:
    """Pickles to a call of os.system."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self._path}",)


def patched(content: bytes, old: bytes, new: bytes) -> bytes:
    """Replace bytes that are there."""
    assert old in content
    return content.replace(old, new)


def numbers(count: int) -> Tensor:
    return torch.arange(float(count))


def _changed(name: str, tensor: object) -> bytes:
    return saved(good_weights() | {name: tensor})


def _without(name: str) -> bytes:
    return saved({key: tensor for key, tensor in good_weights().items() if key != name})


def _with_entry(name: str) -> bytes:
    return zipped({"data": b"{}", "policy.pth": saved({}), name: b"x"})


def _encrypted(_: Path) -> bytes:
    content = bytearray(sb3(saved(good_weights())))
    start = content.rindex(b"PK\x01\x02", 0, content.rindex(b"policy.pth"))
    content[start + 8] |= 1
    return bytes(content)


def _twice(_: Path) -> bytes:
    content = zipped({"policy.pth": saved({}), "policy.ptx": b"x"})
    return patched(content, b"policy.ptx", b"policy.pth")


def _bomb(size: int) -> bytes:
    """Return an archive that says a policy unpacks to so much, without ever having held it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(size >> 20)) + packer.flush()
    name = b"policy.pth"
    sizes = struct.pack("<HHHHIIIH", 20, 0, 8, 0, 0, len(packed), size, len(name))
    local = b"PK\x03\x04" + sizes[:6] + b"\0\0" + sizes[6:] + b"\0\0" + name + packed
    entry = b"PK\x01\x02\x14\0" + sizes[:6] + b"\0\0" + sizes[6:] + bytes(14) + name
    end = struct.pack("<HHHHIIH", 0, 0, 1, 1, len(entry), len(local), 0)
    return local + entry + b"PK\x05\x06" + end


_GOOD_HEAD = "network.9.weight"
_NUMEL = (b"K\x04tq\x07Q", b"J\x00\x00\x10\x00tq\x07Q")

SB3_FILES: dict[str, tuple[Maker, str]] = {
    "names a place above": (lambda _: _with_entry("../../evil.py"), "outside the archive"),
    "names a place from the root": (lambda _: _with_entry("/etc/evil"), "outside the archive"),
    "names a place on Windows": (lambda _: _with_entry("..\\evil"), "outside the archive"),
    "two policies": (_twice, "two entries of the same name"),
    "unpacks to 8 MiB of zeros": (lambda _: _bomb(8 << 20), "more than 100 times its size"),
    "says it is encrypted": (_encrypted, "is encrypted"),
    "packed in an odd way": (
        lambda _: zipped({"policy.pth": saved(good_weights())}, zipfile.ZIP_LZMA),
        "packed by method 14",
    ),
    "no policy": (lambda _: zipped({"data": b"{}"}), "holds no 'policy.pth', only data"),
    "a policy that runs": (lambda ran: sb3(pickle.dumps(_Runs(ran), 2)), "damaged or truncated"),
    "a policy that runs, in torch's format": (
        lambda ran: sb3(with_pickle(pickle.dumps(_Runs(ran), 2))),
        r"asks for 'posix\.system'",
    ),
    "CleanRL's weights": (lambda _: sb3(saved(good_weights())), "allowed are networks with action_net"),
    "altered after it was packed": (
        lambda _: patched(sb3(saved(good_weights())), struct.pack("<f", 0.01) * 8, bytes(32)),
        "Bad CRC-32",
    ),
    "1,100 entries": (lambda _: zipped({str(n): b"" for n in range(1100)}), "more than the 1000 entries"),
}

CLEANRL_FILES: dict[str, tuple[Maker, str]] = {
    "an old pickle that runs": (lambda ran: pickle.dumps(_Runs(ran), 2), "damaged or truncated"),
    "a pickle that runs": (
        lambda ran: with_pickle(pickle.dumps({"network.0.weight": _Runs(ran)}, 2)),
        r"asks for 'posix\.system'",
    ),
    "a pickle that evaluates": (
        lambda ran: with_pickle(calling("builtins", "eval", f"open({str(ran)!r}, 'w')")),
        r"asks for 'builtins\.eval'",
    ),
    "a pickle that imports": (
        lambda ran: with_pickle(calling("subprocess", "getoutput", f"touch {ran}")),
        r"asks for 'subprocess\.getoutput'",
    ),
    "a pickle that runs by INST": (
        lambda ran: with_pickle(f"(S'touch {ran}'\nios\nsystem\n.".encode()),
        "does INST|does STRING",
    ),
    "a pickle that runs by STACK_GLOBAL": (
        lambda ran: with_pickle(pickle.dumps(_Runs(ran), 4)),
        "does FRAME|does STACK_GLOBAL|does SHORT_BINUNICODE",
    ),
    "a pickle that loads another": (
        lambda ran: with_pickle(calling("torch", "load", str(ran))),
        r"asks for 'torch\.load'",
    ),
    "a pickle that takes 2 GB": (
        lambda _: with_pickle(b"\x80\x02c__builtin__\nbytearray\nJ\x00\x00\x00\x7f\x85R."),
        r"asks for '__builtin__\.bytearray'",
    ),
    "a pickle that remembers too far": (
        lambda _: with_pickle(b"\x80\x02}r\xff\xff\xff\x7f."),
        "does LONG_BINPUT of 2147483647",
    ),
    "a pickle of an extension": (lambda _: with_pickle(b"\x80\x02\x82\x01."), "does EXT1|damaged"),
    "a pickle without an end": (lambda _: with_pickle(b"\x80\x02}q\x00"), "damaged or truncated"),
    "a pickle too large": (
        lambda _: with_pickle(b"\x80\x02" + b"N" * (1 << 20) + b"."),
        "larger than the 1024",
    ),
    "a text": (lambda _: with_pickle(pickle.dumps("x", 2)), "found str"),
    "a list of tensors": (lambda _: saved([numbers(2)]), "found list"),
    "tensors without names": (lambda _: saved({3: numbers(2)}), "found a tensor named '3'"),
    "texts instead of tensors": (lambda _: _changed(_GOOD_HEAD, "x"), "is str"),
    "two pickles": (
        lambda _: zipped({"a/data.pkl": b"\x80\x02}.", "b/data.pkl": b"\x80\x02}."}),
        r"found 2 data\.pkl",
    ),
    "packed numbers": (
        lambda _: zipped(unzipped(saved({"a": torch.rand(9)})), zipfile.ZIP_DEFLATED),
        "is packed",
    ),
    "more numbers than there are": (
        lambda _: repickled(lambda old: patched(old, *_NUMEL), {"a": numbers(4)}),
        "damaged or truncated",
    ),
    "a tensor beyond its numbers": (
        lambda _: repickled(
            lambda old: patched(old, b"K\x00K\x04\x85", b"K\x00K\x09\x85"), {"a": numbers(4)}
        ),
        "damaged or truncated",
    ),
    "a number as large as a planet": (
        lambda _: _changed(_GOOD_HEAD, torch.zeros(1).expand(1 << 40)),
        r"network\.9\.weight has shape \(1099511627776,\)",
    ),
    "a stable-baselines3 file": (lambda _: sb3(saved(good_weights())), r"found 0 data\.pkl"),
    "nothing": (lambda _: b"", "damaged or truncated"),
    "noise": (lambda _: bytes(range(256)) * 40, "damaged or truncated"),
    "half a file": (lambda _: saved(good_weights())[: 3 << 20], "damaged or truncated"),
    "a file without its last bytes": (lambda _: saved(good_weights())[:-30], "damaged or truncated"),
    "a missing layer": (lambda _: _without("network.4.bias"), r"lacks network\.4\.bias"),
    "a layer too many": (lambda _: _changed("network.11.weight", numbers(2)), r"found 'network\.11\.weight'"),
    "layers of another size": (
        lambda _: _changed("network.7.weight", torch.zeros(256, 3136)),
        r"shape \(256, 3136\), allowed is \(512, 3136\)",
    ),
    "another game's actions": (
        lambda _: saved(good_weights(6)),
        r"\(6, 512\), allowed is \(4, 512\) for the game's 4 actions",
    ),
    "NaN": (lambda _: _changed(_GOOD_HEAD, torch.full((4, 512), torch.nan)), "not finite"),
    "infinity": (lambda _: _changed("network.9.bias", torch.full((4,), torch.inf)), "not finite"),
    "whole numbers": (lambda _: _changed("network.9.bias", torch.zeros(4).long()), "holds torch.int64"),
    "a sparse tensor": (
        lambda _: _changed("network.9.bias", torch.zeros(4).to_sparse()),
        r"asks for 'torch\._utils\._rebuild_sparse_tensor'",
    ),
}
