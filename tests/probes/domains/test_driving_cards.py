from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from probes.domains import driving_cards, model_records
from probes.domains.driving import load_agent
from probes.domains.driving_cards import agent_cards, model_cards
from probes.domains.driving_companions import PEERS, Company, random_companion
from probes.domains.driving_study import PRESETS, StudyConfig
from tests.probes.domains.shelves import record, samples, ship_model


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StudyConfig:
    """Study one shipped model, with a companion whose model is shipped too."""
    monkeypatch.setattr(model_records, "models_directory", lambda: tmp_path)
    monkeypatch.setattr(driving_cards, "find_model", lambda name: tmp_path / name)
    history: list[dict[str, Any]] = [
        {"iterations": 100},
        {"iterations": None},
        {"iterations": 20},
        {"iterations": 12},
    ]
    own = ship_model(tmp_path, "own", {"samples": record("samples", samples())}, history)
    ship_model(tmp_path, PEERS[0].model, {})
    company = Company((PEERS[0], random_companion("reasonable-seg4", str(own))), (PEERS[1],))
    return StudyConfig(
        "reasonable-seg4", {"crisp": str(own)}, ("reasonable",), PRESETS["smoke"], ("go",), company=company
    )


def test_every_agent_that_has_learned_something_has_a_card(config: StudyConfig) -> None:
    cards = agent_cards(config, load_agent("reasonable-seg4"))
    assert [card.name for card in cards] == ["reasonable-seg4", "distracted-seg4"]
    assert all(card.source.shipped for card in cards)


def test_every_model_has_a_card_with_what_was_measured_of_it(config: StudyConfig, tmp_path: Path) -> None:
    own, other = model_cards(config, tmp_path / "study")
    assert (own.name, other.name) == ("crisp", "distracted-seg4-crisp")
    assert own.source.shipped
    assert own.measures["iterations of its fit"] == 12
    assert own.measures["iterations before it, of the fits that it went on from"] == 120
    assert "0 of 1" in own.measures.values()
    assert other.measures == {"iterations of its fit": 12, "states in each": 4}
