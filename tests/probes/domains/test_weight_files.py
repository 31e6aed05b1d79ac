from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from probes.agent import ProbeError
from probes.domains import weight_files
from probes.domains.weight_files import Archive, check_pickle, load_tensors, read_file
from tests.probes.domains.hostile_files import saved, unzipped, zipped


def test_tensors_come_back_as_they_were_saved() -> None:
    wanted = {"a": torch.rand(3, 4), "b": torch.rand(2).double(), "c": torch.nn.Parameter(torch.rand(5))}
    found = load_tensors(saved(wanted), "x")
    assert found.keys() == wanted.keys()
    for name, tensor in wanted.items():
        assert torch.equal(found[name], tensor)
        assert not found[name].requires_grad


def test_a_state_dict_with_its_metadata_is_read() -> None:
    state = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3)).state_dict()
    assert load_tensors(saved(state), "x").keys() == state.keys()


def test_tensors_that_share_their_numbers_are_read() -> None:
    numbers = torch.arange(6.0)
    found = load_tensors(saved({"whole": numbers, "part": numbers[2:4]}), "x")
    assert found["part"].tolist() == [2.0, 3.0]


def test_what_torch_does_not_read_does_not_reach_it() -> None:
    entries = unzipped(saved({"a": torch.ones(1)}))
    root = next(name for name in entries if name.endswith("data.pkl")).removesuffix("data.pkl")
    spoiled = entries | {f"{root}constants.pkl": b"x", "elsewhere/data/0": b"y"}
    assert load_tensors(zipped(spoiled), "x")["a"].item() == 1.0


def test_a_module_that_was_saved_whole_is_refused() -> None:
    with pytest.raises(ProbeError, match=r"asks for 'torch\.nn\.modules\.linear\.Linear'"):
        load_tensors(saved(torch.nn.Linear(1, 1)), "x")


def test_a_pickle_is_read_through_without_running_it(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    with pytest.raises(ProbeError, match=r"x: asks for 'os\.mkdir'; allowed are tensors alone"):
        check_pickle(f"cos\nmkdir\n(V{mark}\ntR.".encode(), "x")
    assert not mark.exists()
    check_pickle(b"\x80\x02}q\x00.", "x")


def test_a_file_above_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weight_files, "MAX_BYTES", 1 << 20)
    file = tmp_path / "x"
    file.write_bytes(bytes(1 << 20))
    assert len(read_file(file)) == 1 << 20
    file.write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(ProbeError, match="larger than the 1 MiB"):
        read_file(file)


def test_an_archive_that_unpacks_above_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weight_files, "MAX_BYTES", 1 << 20)
    Archive(zipped({"a": bytes(1 << 20)}), "x")
    with pytest.raises(ProbeError, match="would unpack to more than the 1 MiB"):
        Archive(zipped({"a": bytes(1 << 20), "b": b"1"}), "x")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ProbeError, match="a folder or a device"):
        read_file(tmp_path / "pipe")


def test_an_entry_is_read_by_its_name_or_told_to_be_missing() -> None:
    archive = Archive(zipped({"a": b"1"}), "x")
    assert archive.read("a") == b"1"
    with pytest.raises(ProbeError, match="x: holds no 'b', only a"):
        archive.read("b")
