"""Recorded states on disk: what the agent saw, where each came from, and what the agent said of it.

A frame is stored once, however many states show it, and read through a memory map.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from torch import Tensor

from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.artifacts.manifest import Manifest, read_manifest
from probes.states import StateLayout, to_states

KIND = "state-set"
SITUATION = "situation-"

#: Where a state came from.
PROVENANCE = np.dtype(
    [
        ("seed", np.int64),  # of the episode
        ("world", np.int32),
        ("step", np.int32),  # decisions since the episode's start
        ("action", np.int16),  # that was taken in this state
        ("episode", np.int32),  # counted over the whole set
        ("held_out", np.bool_),  # whether no fit may see it
    ]
)

Indices = Sequence[int] | NDArray[np.integer] | Tensor


@dataclass(frozen=True, eq=False)
class StateSet:
    """N recorded states."""

    path: Path
    config: dict[str, Any]
    """How they were collected."""
    layout: StateLayout
    actions: tuple[str, ...]
    """Names of the agent's A actions."""
    frames: NDArray[np.uint8]
    """(F, M, H, W), mapped."""
    index: NDArray[np.int32]
    """(N, T), which frames make a state, the oldest first."""
    provenance: NDArray[np.void]
    """(N,) of `PROVENANCE`."""
    scores: NDArray[np.float32]
    """(N, A), what the agent said: logits or Q-values."""
    value: NDArray[np.float32]
    """(N,), likewise."""
    situations: dict[str, NDArray[np.generic]]
    """(N, ...) each, mapped: the worlds' whole state, by name."""
    taken: NDArray[np.int16]
    """(S, W), the actions taken by all worlds in all decisions, those between kept states too."""

    def __len__(self) -> int:
        return len(self.index)

    @property
    def held_out(self) -> NDArray[np.bool_]:
        """(N,), whether no fit may see it."""
        return np.asarray(self.provenance["held_out"])

    @property
    def fit_indices(self) -> NDArray[np.int64]:
        """Which states are there to fit."""
        return np.flatnonzero(~self.held_out)

    @property
    def held_out_indices(self) -> NDArray[np.int64]:
        """Which states are held out."""
        return np.flatnonzero(self.held_out)

    def stored(self, indices: Indices) -> NDArray[np.uint8]:
        """Read B states as they are stored, (B, T, M, H, W)."""
        return np.asarray(self.frames.take(self.index[np.asarray(indices)], axis=0))

    def states(self, indices: Indices) -> Tensor:
        """Read B states as floats (B, T, C, H, W) in [0, 1]."""
        return to_states(torch.from_numpy(self.stored(indices)), self.layout)


def load_states(path: Path, verify: bool = True) -> StateSet:
    """Open a state set.

    Args:
        path: of the artifact.
        verify: whether to hash its files, about a second for each gigabyte, or to look at their sizes alone.

    Raises:
        ProbeError: there is none, or it is damaged.
    """
    manifest = artifact.load(path, KIND, verify)
    try:
        situations = {
            name.removeprefix(SITUATION).removesuffix(".npy"): _mapped(path / name)
            for name in sorted(manifest.files)
            if name.startswith(SITUATION)
        }
        small = {name: np.load(path / f"{name}.npy") for name in ("index", "provenance", "scores", "value")}
        return StateSet(
            path,
            manifest.config,
            StateLayout.from_json(manifest.config["layout"]),
            tuple(manifest.config["actions"]),
            _mapped(path / "frames.npy"),
            situations=situations,
            taken=np.load(path / "actions.npy"),
            **small,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ProbeError(
            f"{path}: not a state set that this program can read ({error!r}); "
            f"delete it and run `{manifest.command}` again"
        ) from error


def require_states(made: Manifest, states: StateSet) -> None:
    """Require that an artifact was made from these states.

    Raises:
        ProbeError: it was made from others.
    """
    if made.parents["states"].digest != read_manifest(states.path, KIND).digest:
        raise ProbeError(f"{made.path}: was made from other states than {states.path}; name those")


def _mapped(file: Path) -> NDArray[Any]:
    """Map a file read-only, as a plain array: a memmap's own type makes every indexing slower."""
    return np.asarray(np.load(file, mmap_mode="r"))


class GrowingArray:
    """A `.npy` file that takes rows until it is closed, and never holds them in memory.

    Plain writes rather than a map: on a full disk they fail with an error that can be caught.

    Args:
        file: to make.
        dtype: of the array.
        row: shape of a row.
    """

    def __init__(self, file: Path, dtype: DTypeLike, row: tuple[int, ...]) -> None:
        self._dtype, self._row = np.dtype(dtype), row
        self._stream = file.open("wb")
        self.rows = 0
        self._write_header()

    def append(self, rows: NDArray[Any]) -> None:
        """Write rows (R, *row)."""
        self._stream.write(np.ascontiguousarray(rows, self._dtype).tobytes())
        self.rows += len(rows)

    def close(self) -> None:
        """Finish the file; closing twice is harmless."""
        if not self._stream.closed:
            try:
                self._stream.seek(0)
                self._write_header()
            finally:
                self._stream.close()

    def _write_header(self) -> None:
        # numpy pads the header such that the first axis can grow in place.
        np.lib.format.write_array_header_1_0(
            self._stream,
            {
                "descr": np.lib.format.dtype_to_descr(self._dtype),
                "fortran_order": False,
                "shape": (self.rows, *self._row),
            },
        )


class StateWriter:
    """Fills the directory of a state set, some states at a time.

    Args:
        directory: that exists.
        layout: of the states.
    """

    def __init__(self, directory: Path, layout: StateLayout) -> None:
        self._directory, self._layout = directory, layout
        self._frames = GrowingArray(directory / "frames.npy", np.uint8, layout.stored_shape[1:])
        self._known: dict[bytes, int] = {}
        self._rows: dict[str, list[NDArray[Any]]] = {"index": [], "provenance": [], "scores": [], "value": []}
        self._situations: dict[str, GrowingArray] = {}

    def add(
        self,
        stored: NDArray[np.uint8],
        provenance: NDArray[np.void],
        scores: NDArray[np.float32],
        value: NDArray[np.float32],
        situation: Mapping[str, NDArray[np.generic]],
    ) -> None:
        """Add B states.

        Args:
            stored: (B, T, M, H, W).
            provenance: (B,) of `PROVENANCE`.
            scores: (B, A), of the agent.
            value: (B,), likewise.
            situation: (B, ...) each, by name; the same names every time.
        """
        index = [[self._frame(frame) for frame in state] for state in stored]
        rows = (np.array(index, np.int32), provenance, scores, value)
        for name, row in zip(self._rows, rows, strict=True):
            self._rows[name].append(row.copy())
        for name, array in situation.items():
            if name not in self._situations:
                file = self._directory / f"{SITUATION}{name}.npy"
                self._situations[name] = GrowingArray(file, array.dtype, array.shape[1:])
            self._situations[name].append(array)

    def finish(self, taken: NDArray[np.int16]) -> None:
        """Write what is left, with all actions taken (S, W)."""
        self.close()
        for name, rows in self._rows.items():
            np.save(self._directory / f"{name}.npy", np.concatenate(rows))
        np.save(self._directory / "actions.npy", taken)

    def close(self) -> None:
        """Close the files; closing twice is harmless."""
        for array in (self._frames, *self._situations.values()):
            array.close()

    def _frame(self, frame: NDArray[np.uint8]) -> int:
        """Return a frame's place in the file, where it is written unless it is there."""
        key = hashlib.blake2b(frame.tobytes(), digest_size=16).digest()
        if key not in self._known:
            self._known[key] = self._frames.rows
            self._frames.append(frame[None])
        return self._known[key]
