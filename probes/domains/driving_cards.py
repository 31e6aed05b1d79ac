"""Who took part in a driving study, for its page: a card for each agent and each state model."""

from __future__ import annotations

from pathlib import Path

from probes.domains.driving import DrivingAgent, load_agent
from probes.domains.driving_study import StudyConfig
from probes.domains.study_cards import agent_card, model_card
from probes.models import find_model
from probes.report.contract import AgentCard, ModelCard


def agent_cards(config: StudyConfig, agent: DrivingAgent) -> tuple[AgentCard, ...]:
    """Describe the studied agent and those asked beside it, but for the one that has learned nothing."""
    peers = (agent_card(one.agent, load_agent(one.agent)) for one in config.company.peers)
    return (agent_card(config.agent, agent), *peers)


def model_cards(config: StudyConfig, directory: Path) -> tuple[ModelCard, ...]:
    """Describe the state models of the studied agent and of those asked beside it.

    Args:
        config: of the study.
        directory: of the study.
    """
    named = {name: Path(path) for name, path in config.models.items()}
    named |= {one.model: find_model(one.model) for one in config.company.peers}
    return tuple(model_card(name, path, directory) for name, path in named.items())
