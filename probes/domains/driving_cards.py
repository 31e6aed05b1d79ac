"""Who took part in a driving study, for its page: a card for each agent and each state model."""

from __future__ import annotations

from pathlib import Path

from drivesim.agents import agents_directory
from drivesim.pilots import agent_directory
from drivesim.rl.checkpoint import load_agent as load_network
from probes.artifacts.manifest import read_manifest
from probes.domains.driving import DrivingAgent, load_agent
from probes.domains.driving_records import ancestors, is_shipped, sample_facts
from probes.domains.driving_study import StudyConfig
from probes.models import find_model
from probes.report.contract import AgentCard, Cell, ModelCard, SourceRef


def agent_cards(config: StudyConfig, agent: DrivingAgent) -> tuple[AgentCard, ...]:
    """Describe the studied agent and those asked beside it, but for the one that has learned nothing."""
    peers = (_agent_card(one.agent, load_agent(one.agent)) for one in config.company.peers)
    return (_agent_card(config.agent, agent), *peers)


def model_cards(config: StudyConfig, directory: Path) -> tuple[ModelCard, ...]:
    """Describe the state models of the studied agent and of those asked beside it.

    Args:
        config: of the study.
        directory: of the study.
    """
    named = {name: Path(path) for name, path in config.models.items()}
    named |= {one.model: find_model(one.model) for one in config.company.peers}
    return tuple(_model_card(name, path, directory) for name, path in named.items())


def _agent_card(name: str, agent: DrivingAgent) -> AgentCard:
    path = agent_directory(name)
    _, metadata = load_network(path)
    commands = [str(entry["command"]) for entry in metadata.get("commands", [])]
    is_shipped = path.parent == agents_directory()
    source = SourceRef("agent", agent.digest, " && ".join(commands) or "drivesim train", shipped=is_shipped)
    steps = metadata.get("training", {}).get("step")
    return AgentCard(agent.name, agent.scenario, agent.actions, source, {"decisions of its last run": steps})


def _model_card(name: str, path: Path, directory: Path) -> ModelCard:
    manifest = read_manifest(path, None)
    place, inside = path.resolve(), directory.resolve()
    source = SourceRef(
        manifest.kind,
        manifest.digest,
        manifest.command,
        str(place.relative_to(inside)) if place.is_relative_to(inside) else "",
        shipped=is_shipped(path),
    )
    schedule = manifest.config["fit"]["schedule"]
    measures: dict[str, Cell] = {
        "iterations of its fit": schedule["iterations"],
        "states in each": schedule["batch"],
    }
    earlier = [one["iterations"] for one in ancestors(path) if one["iterations"] is not None]
    if earlier:
        measures["iterations before it, of the fits that it went on from"] = sum(earlier)
    return ModelCard(name, source, {**measures, **sample_facts(path)})
