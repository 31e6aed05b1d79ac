"""The files of artifacts: arrays, tensors, JSON."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from probes.agent import ProbeError
from probes.artifacts.payload import load_tensors, open_array, read_json, save_tensors, write_json


def test_tensors_come_back_bit_for_bit_though_they_shared_memory(tmp_path: Path) -> None:
    weights = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    tensors = {"a": weights, "rows": weights[1:3], "turned": weights.T, "half": weights.half()}
    save_tensors(tmp_path / "w.safetensors", tensors)
    found = load_tensors(tmp_path / "w.safetensors")
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)
    assert found["half"].dtype == torch.float16


def test_weights_that_are_being_trained_are_saved_without_their_graph(tmp_path: Path) -> None:
    save_tensors(tmp_path / "w", {"w": torch.ones(2, requires_grad=True) * 2})
    assert load_tensors(tmp_path / "w")["w"].tolist() == [2.0, 2.0]


def test_a_truncated_a_malformed_and_a_missing_tensor_file_are_named(tmp_path: Path) -> None:
    file = tmp_path / "w.safetensors"
    save_tensors(file, {"a": torch.zeros(100)})
    content = file.read_bytes()
    for damaged in (content[:-1], content[:20], b"", b"\xff" * 64):
        file.write_bytes(damaged)
        with pytest.raises(ProbeError, match=r"w\.safetensors: not a safetensors file"):
            load_tensors(file)
    with pytest.raises(ProbeError, match="absent: cannot be read: No such file"):
        load_tensors(tmp_path / "absent")


def test_json_comes_back(tmp_path: Path) -> None:
    data = {"a": [1, 2.5, None, True], "ü": {"b": "c"}}
    write_json(tmp_path / "x.json", data)
    assert read_json(tmp_path / "x.json") == data
    assert (tmp_path / "x.json").read_text().endswith("}\n")


def test_what_json_cannot_hold_is_named_with_its_place_and_nothing_is_written(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    with pytest.raises(ProbeError, match=r"x\.json: .*: \.findings\[1\]\.kl is nan, of type float"):
        write_json(file, {"seed": 0, "findings": [{"kl": 1.0}, {"kl": float("nan")}]})
    with pytest.raises(ProbeError, match="it is inf"):
        write_json(file, float("inf"))
    with pytest.raises(ProbeError, match=r"\[0\] is np\.int64\(3\), of type int64"):
        write_json(file, [np.int64(3)])
    with pytest.raises(ProbeError, match="keys must be"):
        write_json(file, {(1, 2): 0})
    assert not file.exists()


@pytest.mark.parametrize("text", ["", '{"a": 1', '{"a": NaN}', "[" * 100_000, "\xff"])
def test_what_is_not_json_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ProbeError, match=r"x\.json: truncated or altered, not JSON"):
        read_json(tmp_path / "x.json")


def test_json_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProbeError, match=r"x\.json: cannot be read: No such file"):
        read_json(tmp_path / "x.json")


def test_an_array_is_of_zeros_and_has_its_room_before_it_is_filled(tmp_path: Path) -> None:
    array = open_array(tmp_path / "a.npy", np.float32, (1000, 100))
    assert (tmp_path / "a.npy").stat().st_blocks * 512 >= 400_000
    assert array.shape == (1000, 100)
    assert not array.any()
    array[3, 4] = 1.5
    array.flush()
    assert np.load(tmp_path / "a.npy")[3, 4] == 1.5
