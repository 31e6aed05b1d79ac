"""Who took part in a study, for its page: the card of an agent, and that of a state model."""

from __future__ import annotations

from pathlib import Path

from drivesim.agents import agents_directory as driving_agents
from drivesim.rl.checkpoint import load_network
from probes.agents import EVALUATION, agents_directory
from probes.artifacts.manifest import read_manifest
from probes.artifacts.payload import read_json
from probes.domains.atari_agents import AtariAgent
from probes.domains.imported_agents import is_imported
from probes.domains.model_records import ancestors, is_shipped, sample_facts
from probes.domains.registry import AnyAgent, find_agent
from probes.domains.study_sections import estimate
from probes.report.contract import AgentCard, Cell, ModelCard, SourceRef


def agent_card(name: str, agent: AnyAgent) -> AgentCard:
    """Describe an agent.

    Args:
        name: by which it was loaded.
        agent: that was.
    """
    if is_imported(name):
        source = SourceRef("agent", agent.digest, f"--agent {name}")
        return AgentCard(agent.name, agent.world, agent.actions, source, {})
    path = find_agent(name)
    _, metadata = load_network(path)
    commands = [str(entry["command"]) for entry in metadata.get("commands", [])]
    shipped = path.parent in (driving_agents(), agents_directory())
    source = SourceRef("agent", agent.digest, " && ".join(commands), shipped=shipped)
    steps = metadata.get("training", {}).get("step")
    measures: dict[str, Cell] = {"decisions of its last run": steps, **_scores(path, agent)}
    return AgentCard(agent.name, agent.world, agent.actions, source, measures)


def _scores(path: Path, agent: AnyAgent) -> dict[str, Cell]:
    """Return what a shipped player of a game scored, beside the action that scores most if taken always."""
    if not isinstance(agent, AtariAgent) or not (path / EVALUATION).is_file():
        return {}
    found = {name: estimate(told["score"]) for name, told in read_json(path / EVALUATION)["scores"].items()}
    scores = {name: score for name, score in found.items() if score is not None}
    own = scores.pop("agent")
    best = max(scores, key=lambda name: scores[name].value)
    return {"score in held-out games": own, f"score of the best constant action, {best}": scores[best]}


def model_card(name: str, path: Path, directory: Path) -> ModelCard:
    """Describe a state model.

    Args:
        name: as the study calls it.
        path: where it lies.
        directory: of the study.
    """
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
