from __future__ import annotations

from pathlib import Path

import pytest

from probes import models
from probes.agent import ProbeError
from probes.models import find_model, models_directory, shipped_models


def test_shipped_models_lie_in_the_package() -> None:
    assert models_directory().name == "models"
    assert (models_directory() / "__init__.py").is_file()
    assert shipped_models() == sorted(path.parent.name for path in models_directory().glob("*/manifest.json"))


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("a-crisp", "b-crisp"):
        (tmp_path / "shipped" / name).mkdir(parents=True)
        (tmp_path / "shipped" / name / "manifest.json").touch()
    (tmp_path / "shipped" / "no-model").mkdir()
    monkeypatch.setattr(models, "models_directory", lambda: tmp_path / "shipped")
    return tmp_path / "shipped"


def test_a_model_is_found_by_its_name_or_its_directory(shipped: Path) -> None:
    assert shipped_models() == ["a-crisp", "b-crisp"]
    assert find_model("a-crisp") == shipped / "a-crisp"
    assert find_model(str(shipped / "b-crisp")) == shipped / "b-crisp"


@pytest.mark.usefixtures("shipped")
def test_a_model_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(ProbeError, match=r"'a-crips': allowed are a-crisp, b-crisp, .* mean 'a-crisp'"):
        find_model("a-crips")


def test_without_shipped_models_a_directory_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "models_directory", lambda: tmp_path)
    with pytest.raises(ProbeError, match=r"allowed are a directory that `probes fit` wrote$"):
        find_model("x")
