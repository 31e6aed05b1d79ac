"""The page of an Atari study: its question, its answer in numbers, and the chapters."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from probes.artifacts import provenance
from probes.domains.atari_agents import AtariAgent
from probes.domains.atari_study import StudyConfig
from probes.domains.model_records import Record, records
from probes.domains.seaquest_pages import oxygen_section
from probes.domains.study_baselines import baselines_section, write_baselines
from probes.domains.study_cards import agent_card, model_card
from probes.domains.study_clusters import clusters_section
from probes.domains.study_goggles import goggles_items, measures_section
from probes.domains.study_headlines import played, shared_headlines
from probes.domains.study_model import model_section
from probes.domains.study_question import question_section
from probes.domains.study_sections import Shelf, estimate, findings_section, search_section
from probes.report.contract import Number, Section, Study

SAMPLES = (
    "Pictures that could have been recorded: everything that moves in the game is there, and as often as in "
    "the game."
)
READING = (
    "A state is what the agent sees at one moment: four consecutive pictures of the screen. A target is a "
    "question put as a number J that the search raises, such as: of which states does the agent expect "
    "little? J is computed from the agent's own outputs and given in standard deviations of what recorded "
    "states show: 1 more is one deviation more.\n\n"
    "T- asks for states in which even the best action promises little, T+ for those in which even the worst "
    "one promises much, T± for those in which one action is good and another bad. S- and S+ ask the same of "
    "all actions together, V- and V+ of the state's own value where the agent estimates one. An action's "
    "name asks for states in which the agent would take it."
)


def build_study(
    config: StudyConfig, agent: AtariAgent, preset: str, directory: Path, seconds: float | None
) -> Study:
    """Read what the stages wrote and compose the page.

    Args:
        config: what was studied.
        agent: that was studied.
        preset: its name.
        directory: of the study.
        seconds: s, that it took; None if that is not known.

    Raises:
        ProbeError: a stage has left nothing, or it is damaged.
    """
    shelf = Shelf(directory, config.findings)
    goggles = _goggles(shelf, config)
    write_baselines(shelf)
    title = config.game.replace("_", " ").title()
    return Study(
        title=f"What {agent.name} expects of {title}, and what happens",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=provenance.command(),
        preset=preset,
        asked=f"An agent learned to play the Atari game {title}. Which situations does it hold to be good, "
        "bad or critical?",
        expects=_expects(shelf),
        happened=_happened(goggles.result),
        agents=(agent_card(config.agent, agent),),
        models=tuple(model_card(name, Path(path), directory) for name, path in config.models.items()),
        sections=_sections(shelf, config),
        headlines=_headlines(shelf, goggles),
        seconds=seconds,
    )


def _sections(shelf: Shelf, config: StudyConfig) -> tuple[Section, ...]:
    models = [Path(path) for path in config.models.values()]
    goggles = [] if config.has_goggles_record else goggles_items(shelf)
    return (
        question_section(READING),
        findings_section(shelf),
        clusters_section(shelf),
        *((oxygen_section(shelf),) if config.has_oxygen else ()),
        search_section(shelf),
        model_section(shelf, SAMPLES),
        measures_section(shelf, goggles, models, "play"),
        baselines_section(shelf, "pictures of the game"),
    )


def _expects(shelf: Shelf) -> str:
    told = shelf.result("objective")["targets"]["t-minus"]
    if told["passed"] is None:
        return "No state that was synthesised for a low expectation passes the checks."
    beyond = told["passed"]["beyond_99"]
    return (
        f"{beyond['n']} states that were synthesised for a low expectation pass the checks; in "
        f"{beyond['value']:.0%} of them it expects less than in 99% of the recorded states."
    )


def _goggles(shelf: Shelf, config: StudyConfig) -> Record:
    """Return what was played in the study, or else the first record that the searched model brings."""
    return records(Path(config.model), "goggles")[0] if config.has_goggles_record else played(shelf)


def _happened(told: dict[str, Any]) -> str:
    agent, floor = (
        f"{one['value']:.1f} (95%: {one['low']:.1f} to {one['high']:.1f})"
        for one in (told["table"]["agent"], told["table"]["floor"])
    )
    episodes = told["table"]["agent"]["n"]
    return f"Over {episodes} games it scored {agent}; always {told['floor']} scores {floor}."


def _headlines(shelf: Shelf, goggles: Record) -> tuple[Number, ...]:
    score = estimate(goggles.result["table"]["agent"])
    assert score is not None  # of games that were played
    own = Number("score of the agent", score, goggles.source, note="n counts the games")
    return (own, *shared_headlines(shelf, goggles))
