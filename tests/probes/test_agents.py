from __future__ import annotations

from pathlib import Path

import pytest

from probes import agents
from probes.agents import agents_directory, shipped_agents


def test_shipped_agents_lie_in_the_package() -> None:
    assert agents_directory().name == "agents"
    assert (agents_directory() / "__init__.py").is_file()


def test_a_directory_with_a_description_is_an_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pong-dqn", "freeway-dqn"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "agent.json").touch()
    (tmp_path / "no-agent").mkdir()
    monkeypatch.setattr(agents, "agents_directory", lambda: tmp_path)
    assert shipped_agents() == ["freeway-dqn", "pong-dqn"]
