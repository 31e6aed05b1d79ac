from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.state_models.crisp_config import Level
from probes.state_models.crisp_model import CrispModel
from probes.state_models.model_store import (
    KIND,
    WEIGHTS,
    build_model,
    load_model,
    model_settings,
    set_weights,
)
from probes.state_models.paper_model import PaperModel
from probes.states import Plane, StateLayout
from tests.probes.counters import LAYOUT, Critic
from tests.probes.fittings import CRISP_SHAPE, PAPER_SHAPE, same_weights

SHAPES = {"crisp": CRISP_SHAPE, "paper": PAPER_SHAPE}
OTHER = StateLayout((Plane("gray", "level"),), stack=2, height=4, width=4)


def write(path: Path, settings: dict[str, Any], weights: dict[str, Tensor]) -> None:
    with artifact.writing(path, KIND, config={"model": settings}, seed=0, parents={}) as scratch:
        artifact.save_tensors(scratch / WEIGHTS, weights)


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    model = build_model("paper", LAYOUT, PAPER_SHAPE, seed=3)
    write(tmp_path / "m", model_settings(model), model.state_dict())
    return tmp_path / "m"


def test_a_model_is_built_by_name_with_a_shape_or_the_papers_own() -> None:
    model = build_model("crisp", LAYOUT, CRISP_SHAPE, seed=0)
    assert isinstance(model, CrispModel)
    assert model.config.levels == (Level(16, 1, 2), Level(8, 1, 2))
    assert model.config.fine == (8, 4)
    plain = build_model("paper", LAYOUT, {}, seed=0)
    assert isinstance(plain, PaperModel)
    assert (plain.config.latent, plain.config.filters) == (100, (32, 64, 128, 256))


@pytest.mark.parametrize("name", SHAPES)
def test_settings_go_through_json_and_build_the_same_model(name: str) -> None:
    model = build_model(name, LAYOUT, SHAPES[name], seed=3)
    settings = json.loads(json.dumps(model_settings(model)))
    layout = StateLayout.from_json(settings["layout"])
    again = build_model(settings["name"], layout, settings["shape"], seed=3)
    assert again.layout == LAYOUT
    assert again.config == model.config
    assert same_weights(again, model)


def test_an_unknown_model_or_field_is_named() -> None:
    with pytest.raises(ProbeError, match="no state model 'vae': allowed are paper, crisp"):
        build_model("vae", LAYOUT, {}, seed=0)
    with pytest.raises(ProbeError, match=r"state model 'paper': .*'widht'"):
        build_model("paper", LAYOUT, {"widht": 3}, seed=0)
    with pytest.raises(ProbeError, match=r"state model 'crisp': .*values to unpack"):
        build_model("crisp", LAYOUT, {"levels": [[16, 1, 2]]}, seed=0)


@pytest.mark.parametrize("name", SHAPES)
def test_a_loaded_model_is_frozen_whole_and_in_single_precision(name: str, tmp_path: Path) -> None:
    model = build_model(name, LAYOUT, SHAPES[name], seed=3)
    halves = {key: value.half() if value.ndim > 1 else value for key, value in model.state_dict().items()}
    write(tmp_path / "m", model_settings(model), halves)
    loaded, manifest = load_model(tmp_path / "m", Critic())
    assert manifest.kind == KIND
    assert not loaded.training
    assert all(
        parameter.dtype == torch.float32 and not parameter.requires_grad for parameter in loaded.parameters()
    )
    for key, value in loaded.state_dict().items():
        assert torch.equal(value, halves[key].to(value.dtype))


def test_a_model_for_other_states_than_the_agent_sees_is_refused(stored: Path) -> None:
    with pytest.raises(ProbeError, match=r"m: this state model makes states of .*'semantic'.*sees .*'gray'"):
        load_model(stored, Critic(OTHER))
    assert load_model(stored).model.layout == LAYOUT


def test_an_altered_or_missing_model_is_refused(stored: Path, tmp_path: Path) -> None:
    content = bytearray((stored / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (stored / WEIGHTS).write_bytes(content)
    with pytest.raises(ProbeError, match=f"{WEIGHTS}: altered"):
        load_model(stored)
    (stored / WEIGHTS).unlink()
    with pytest.raises(ProbeError, match=f"{WEIGHTS}: cannot be read"):
        load_model(stored)
    with pytest.raises(ProbeError, match="nothing: does not exist; `probes fit` makes one"):
        load_model(tmp_path / "nothing")


@pytest.mark.parametrize("settings", [{"name": "paper"}, {"name": "paper", "layout": 3, "shape": {}}])
def test_settings_of_no_model_are_refused(tmp_path: Path, settings: dict[str, Any]) -> None:
    write(tmp_path / "m", settings, {"a": torch.zeros(1)})
    with pytest.raises(ProbeError, match=r"manifest\.json: not a state model's settings"):
        load_model(tmp_path / "m")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mu.bias": None}, r"f: missing tensors: mu\.bias"),
        ({"mu.bais": torch.zeros(3)}, r"f: unknown tensors: mu\.bais"),
        ({"mu.bias": torch.zeros(4)}, r"f: mu\.bias has shape \(4,\), expected \(3,\)"),
        ({"mu.bias": torch.tensor([0.0, torch.inf, 0.0])}, r"f: mu\.bias holds numbers that are not finite"),
    ],
)
def test_weights_that_do_not_fit_are_named_and_change_nothing(
    change: dict[str, Tensor | None], message: str
) -> None:
    model, before = (build_model("paper", LAYOUT, PAPER_SHAPE, seed) for seed in (1, 1))
    given = build_model("paper", LAYOUT, PAPER_SHAPE, seed=2).state_dict() | change
    with pytest.raises(ProbeError, match=message):
        set_weights(model, {name: value for name, value in given.items() if value is not None}, Path("f"))
    assert same_weights(model, before)
