"""Arrays as safetensors beside metadata as JSON, written so that a crash leaves nothing half done.

Nothing that is read here can run code, and whatever is wrong with it ends in a `CheckpointError`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError

from drivesim.rl.networks import ActorCritic, ActorCriticConfig, Convolution, InputLayout
from drivesim.rl.q_network import QNetwork, QNetworkConfig

FORMAT_VERSION = 1
AGENT = "agent"
STATE = "state"

Arrays = dict[str, NDArray[np.generic]]
Network = ActorCritic | QNetwork


class CheckpointError(Exception):
    """A checkpoint that cannot be read or does not fit; the message names the file and the problem."""


def save_directory(
    path: Path,
    kind: str,
    arrays: Mapping[str, NDArray[np.generic]],
    metadata: object,
    large: Mapping[str, NDArray[np.generic]] | None = None,
) -> None:
    """Write `kind`.safetensors and `kind`.json into the directory `path`, replacing what was there.

    The directory is filled under a temporary name beside it, synced, and renamed.

    Args:
        path: the directory to make.
        kind: what it holds, and the stem of both files.
        arrays: numeric arrays by name.
        metadata: anything JSON can hold.
        large: arrays by name that are not to be copied in memory; each becomes `name`.npy.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    content = safetensors.numpy.save({name: np.asarray(array, order="C") for name, array in arrays.items()})
    header: dict[str, object] = {
        "format": f"drivesim {kind}",
        "format_version": FORMAT_VERSION,
        "sha256": hashlib.sha256(content).hexdigest(),
        "metadata": metadata,
    }
    scratch = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        scratch.chmod(0o755)
        if large:
            header["files"] = {name: _write_large(scratch / f"{name}.npy", a) for name, a in large.items()}
        text = json.dumps(header, indent=2, allow_nan=False).encode() + b"\n"
        for name, data in ((f"{kind}.safetensors", content), (f"{kind}.json", text)):
            _write_synced(scratch / name, data)
        _sync_directory(scratch)
        _swap(scratch, path)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def load_directory(path: Path, kind: str) -> tuple[Arrays, Any]:
    """Read what `save_directory` wrote.

    Returns:
        The arrays by name, and the metadata.

    Raises:
        CheckpointError: a file is missing, truncated, altered, or of another kind or version.
    """
    header = _load_header(path / f"{kind}.json", kind)
    file = path / f"{kind}.safetensors"
    try:
        content = file.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{file}: cannot be read: {error.strerror}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != header["sha256"]:
        raise CheckpointError(
            f"{file}: truncated or altered: its sha256 is {found}, the JSON says {header['sha256']}"
        )
    try:
        return safetensors.numpy.load(content), header["metadata"]
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        raise CheckpointError(f"{file}: not a safetensors file: {error}") from error


def load_large(path: Path, kind: str) -> Arrays:
    """Map the large arrays that `save_directory` wrote into memory, by name; there may be none.

    Raises:
        CheckpointError: a file is missing, truncated, altered, or no array of numbers.
    """
    digests = _load_header(path / f"{kind}.json", kind).get("files", {})
    if not isinstance(digests, dict) or any(Path(name).name != name for name in digests):
        raise CheckpointError(f"{path / kind}.json: files does not name arrays of this directory: {digests}")
    arrays: Arrays = {}
    for name, digest in digests.items():
        file = path / f"{name}.npy"
        try:
            with file.open("rb") as stream:
                found = hashlib.file_digest(stream, "sha256").hexdigest()
            if found != digest:
                raise CheckpointError(f"{file}: truncated or altered: sha256 {found}, the JSON says {digest}")
            arrays[name] = np.load(file, mmap_mode="r", allow_pickle=False)
        except OSError as error:
            raise CheckpointError(f"{file}: cannot be read: {error.strerror}") from error
        except (ValueError, EOFError) as error:
            raise CheckpointError(f"{file}: not an array of numbers: {error}") from error
    return arrays


def check_arrays(
    file: Path, found: Mapping[str, NDArray[np.generic]], expected: Mapping[str, NDArray[np.generic]]
) -> None:
    """Require arrays of the expected names, shapes and kinds (floating, integer, boolean).

    Args:
        file: named in the error.
        found: what was read.
        expected: arrays like those that are wanted.

    Raises:
        CheckpointError: a name is missing or unknown, a shape or kind differs, or a number is not finite.
    """
    missing, unknown = expected.keys() - found.keys(), found.keys() - expected.keys()
    for names, problem in ((missing, "missing"), (unknown, "unknown")):
        if names:
            raise CheckpointError(f"{file}: {problem} arrays: {', '.join(sorted(names))}")
    for name, wanted in expected.items():
        array = found[name]
        if array.shape != wanted.shape:
            raise CheckpointError(f"{file}: {name} has shape {array.shape}, expected {wanted.shape}")
        if array.dtype.kind != wanted.dtype.kind:
            raise CheckpointError(f"{file}: {name} holds {array.dtype}, expected {wanted.dtype}")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise CheckpointError(f"{file}: {name} holds numbers that are not finite")


def network_arrays(network: Network) -> Arrays:
    """Return a copy of the network's weights by name."""
    return {
        name: tensor.detach().cpu().contiguous().numpy().copy()
        for name, tensor in network.state_dict().items()
    }


def load_network_arrays(file: Path, network: Network, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Copy weights, of any precision, into the network.

    Raises:
        CheckpointError: they are not the network's, or not finite.
    """
    check_arrays(file, arrays, network_arrays(network))
    network.load_state_dict({name: torch.from_numpy(array).float() for name, array in arrays.items()})


def save_agent(path: Path, network: Network, metadata: Mapping[str, Any], half: bool = True) -> None:
    """Write a network that can be played without anything of its training.

    A field `algorithm` says `dqn` of action values; an actor-critic needs none.

    Args:
        path: the directory to make: `agent.safetensors` and `agent.json`.
        network: the network.
        metadata: what JSON can hold: action names, the training record, evaluations.
        half: whether to keep float16, which is half the size.
    """
    arrays = network_arrays(network)
    if half:
        arrays = {name: array.astype(np.float16) for name, array in arrays.items()}
    described = {"layout": asdict(network.layout), "network": network_settings(network), **metadata}
    if isinstance(network, QNetwork):
        described["algorithm"] = "dqn"
    save_directory(path, AGENT, arrays, described)


def load_agent(path: Path) -> tuple[ActorCritic, dict[str, Any]]:
    """Read an actor-critic network that `save_agent` wrote; see `load_network`.

    Raises:
        CheckpointError: as there, or the network holds action values.
    """
    network, described = load_network(path)
    if not isinstance(network, ActorCritic):
        algorithm = described.get("algorithm")
        raise CheckpointError(f"{path / 'agent.json'}: algorithm is {algorithm!r}, expected an actor-critic")
    return network, described


def load_network(path: Path) -> tuple[Network, dict[str, Any]]:
    """Read a network of any kind that `save_agent` wrote.

    Returns:
        The network in float32 on the CPU, in eval mode, and the metadata that was given to `save_agent`,
        with `algorithm` if it is a `QNetwork`.

    Raises:
        CheckpointError: a file is missing, damaged, or describes no network.
    """
    arrays, described = load_directory(path, AGENT)
    try:
        network = _network(described, _layout(described.pop("layout")), described.pop("network"))
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError, ArithmeticError) as error:
        raise CheckpointError(f"{path / 'agent.json'}: describes no network: {error!r}") from error
    load_network_arrays(path / "agent.safetensors", network, arrays)
    network.eval().requires_grad_(False)
    return network, described


def network_settings(network: Network) -> dict[str, Any]:
    """Return the network's configuration as JSON keeps it."""
    settings = asdict(network.config)
    settings["actions"] = int(network.config.actions)  # gymnasium counts actions in numpy integers
    settings["convolutions"] = [list(c) for c in network.config.convolutions]
    settings["palette"] = [list(colour) for colour in network.config.palette]
    return settings


def _layout(fields: dict[str, Any]) -> InputLayout:
    return InputLayout(**{**fields, "planes": tuple(fields["planes"])})


def _network(described: dict[str, Any], layout: InputLayout, fields: dict[str, Any]) -> Network:
    convolutions = tuple(Convolution(*numbers) for numbers in fields["convolutions"])
    palette = tuple(tuple(colour) for colour in fields["palette"])
    shape = {**fields, "convolutions": convolutions, "palette": palette}
    if described.get("algorithm") == "dqn":
        return QNetwork(layout, QNetworkConfig(**shape))
    return ActorCritic(layout, ActorCriticConfig(**shape))


def _load_header(file: Path, kind: str) -> dict[str, Any]:
    try:
        header = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"{file}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{file}: not JSON: {error}") from error
    if not isinstance(header, dict) or header.get("format") != f"drivesim {kind}":
        raise CheckpointError(f"{file}: does not describe a drivesim {kind}")
    if header.get("format_version") != FORMAT_VERSION:
        found = header.get("format_version")
        raise CheckpointError(f"{file}: format version {found!r}, this program reads {FORMAT_VERSION}")
    if not isinstance(header.get("sha256"), str) or not isinstance(header.get("metadata"), dict):
        raise CheckpointError(f"{file}: sha256 or metadata is missing")
    return header


def _write_large(file: Path, array: NDArray[np.generic]) -> str:
    """Write an array and return the file's sha256."""
    with file.open("w+b") as stream:
        np.lib.format.write_array(stream, array, allow_pickle=False)
        stream.flush()
        os.fsync(stream.fileno())
        stream.seek(0)
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _write_synced(file: Path, data: bytes) -> None:
    with file.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _swap(scratch: Path, path: Path) -> None:
    """Rename `scratch` to `path`; a directory cannot be renamed onto a full one, so that one steps aside."""
    old = scratch.with_name(scratch.name + "-old")
    if path.exists():
        path.rename(old)
    scratch.rename(path)
    _sync_directory(path.parent)
    shutil.rmtree(old, ignore_errors=True)
