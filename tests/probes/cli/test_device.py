from __future__ import annotations

import argparse

import pytest
import torch

from probes.agent import ProbeError
from probes.cli.device import add_device, require_device


def test_it_is_computed_on_the_cpu_unless_a_device_is_given() -> None:
    parser = argparse.ArgumentParser()
    add_device(parser)
    assert parser.parse_args([]).device == "cpu"
    assert parser.parse_args(["--device", "cuda"]).device == "cuda"


def test_a_gpu_that_is_not_there_is_refused_and_what_is_there_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ProbeError, match=r"--device: found 'cuda', .* sees no CUDA device; available is cpu"):
        require_device("cuda")
    assert require_device("cpu") == "cpu"


def test_a_gpu_that_is_there_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert require_device("cuda") == "cuda"
