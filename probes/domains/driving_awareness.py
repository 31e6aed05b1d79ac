"""Does an agent mind a person? Pairs of moments that differ in one person, a pole or a car; drives from them.

All agents are asked about the same pairs, drawn once. The people of the score are on a collision course, and
the ego must brake within half a second to spare them: whoever minds people at all must do so there. What the
score says of pictures, drives say of deeds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivesim.envs.actions import action_names
from drivesim.envs.cameras import make_camera
from drivesim.envs.observation import FrameStack
from drivesim.envs.snapshot import Snapshot
from drivesim.pilots import NetworkPilot
from drivesim.render.raycaster import RaycastRenderer
from drivesim.render.scene import SceneBuilder
from drivesim.render.semantics import NUM_CLASSES, SemanticClass
from drivesim.rl.networks import CLASS_PLANE, InputLayout
from drivesim.scenario.schema import Scenario
from drivesim.world.state import TownState
from probes.agent import ProbeError
from probes.domains.awareness_answers import AHEAD, HEADINGS, LEFT, MIDDLE, OUTCOMES, SPARE, Answers
from probes.domains.awareness_drives import DRIVE_S, drive_pairs
from probes.domains.awareness_moments import Moments, on_course, with_car, with_person
from probes.domains.driving import DrivingAgent, state_layout
from probes.domains.stopping_path import braking_actions

Floats = NDArray[np.float64]
Stored = NDArray[np.uint8]


def states_per_moment(scenario: Scenario) -> int:
    """Return how many states one agent judges, for each moment, at most: for progress."""
    courses = len(HEADINGS) * len(SPARE)
    still = 1 + len(AHEAD) * (1 + len(HEADINGS) * (len(LEFT) + 1)) + 2 * courses
    return still + (1 + courses) * round(DRIVE_S * scenario.sim.decision_hz)


def require_fit(agent: DrivingAgent, scenario: Scenario) -> None:
    """Require that an agent can be asked in a scenario.

    Raises:
        ProbeError: it sees or does something else than the scenario shows and offers, no action brakes, or no
            classes are shown, without which a pole cannot stand in for a person.
    """
    if CLASS_PLANE not in scenario.modalities:
        raise ProbeError(
            f"scenario {scenario.name!r}: found modalities {', '.join(scenario.modalities)}; allowed are"
            f" those with {CLASS_PLANE!r}, without which a pole cannot stand in for a person"
        )
    camera = scenario.camera
    shown = InputLayout(tuple(scenario.modalities), scenario.stack, camera.height, camera.width, NUM_CLASSES)
    if agent.layout != state_layout(shown):
        raise ProbeError(
            f"agent {agent.name!r} sees {agent.layout}, but scenario {scenario.name!r} shows"
            f" {state_layout(shown)}; ask it in a scenario that it was made for"
        )
    if list(agent.actions) != action_names(scenario):
        raise ProbeError(
            f"agent {agent.name!r} acts by {', '.join(agent.actions)}, but scenario {scenario.name!r} offers"
            f" {', '.join(action_names(scenario))}"
        )
    braking_actions(scenario)


def fits(agent: DrivingAgent, scenario: Scenario) -> bool:
    """Tell whether an agent can be asked in a scenario."""
    try:
        require_fit(agent, scenario)
    except ProbeError:
        return False
    return True


class Studio:
    """Draws moments.

    Args:
        scenario: whose camera and noise it is.
        count: M, moments at once.
    """

    def __init__(self, scenario: Scenario, count: int) -> None:
        self._scenario, self._count = scenario, count
        self._plane = tuple(scenario.modalities).index(CLASS_PLANE)
        self._builder = SceneBuilder(scenario, count)
        self._renderer = RaycastRenderer(make_camera(scenario), scenario.modalities)

    def draw(self, past: Sequence[TownState]) -> FrameStack:
        """Return what M towns showed over their past, oldest first."""
        stack = FrameStack(self._scenario, self._count)
        for towns in past:
            frames = self._renderer.render(self._builder.build(towns))
            stack.push(frames, towns.town, np.zeros(self._count, np.bool_))
        return stack

    def as_pole(self, someone: NDArray[np.uint8], nobody: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return states (M, T, planes, H, W) in which the person whom another state lacks is a pole."""
        changed = someone.copy()
        classes, before = changed[:, :, self._plane], nobody[:, :, self._plane]
        classes[(classes == SemanticClass.PERSON) & (classes != before)] = SemanticClass.POLE
        return changed

    def close(self) -> None:
        """Stop the renderer; harmless when already closed."""
        self._renderer.close()


def ask(
    agents: Sequence[DrivingAgent], scenario: Scenario, moments: Moments, on_done: Callable[[int], None]
) -> list[Answers]:
    """Ask agents about the same pairs of moments, and let each drive on from those on a collision course.

    Args:
        agents: who fit the scenario, see `require_fit`.
        scenario: in which the moments are.
        moments: M of them.
        on_done: told how many states were judged since the last call.
    """
    studio, size = Studio(scenario, len(moments)), len(moments)
    try:
        jury = Jury(agents, braking_actions(scenario), on_done)
        stack = studio.draw(moments.past)
        nobody, empty = stack.stacks(), Snapshot(moments.now, stack.history())
        person, pole, car = _ask_places(jury, studio, moments, nobody)
        course, course_pole, starts = _ask_courses(jury, studio, moments, nobody)
        nothing = jury.judge(nobody)
    finally:
        studio.close()
    decisions = round(DRIVE_S * scenario.sim.decision_hz)
    answers = []
    for n, agent in enumerate(agents):
        pilot = NetworkPilot(agent.network)
        driven = drive_pairs(pilot, scenario, empty, starts, moments.slot, lambda: on_done(size * decisions))
        dangers, hits = (flags.reshape(len(HEADINGS), len(SPARE), size) for flags in driven)
        seen = person[n], pole[n], car[n]
        answers.append(Answers(nothing[n], *seen, course[n], course_pole[n], dangers, hits))
    return answers


@dataclass(frozen=True)
class Jury:
    """All agents, asked about the same states."""

    agents: Sequence[DrivingAgent]
    brakes: Sequence[int]
    """Actions that brake."""
    on_done: Callable[[int], None]

    def judge(self, stored: Stored) -> Floats:
        """Return what the agents say of M states: (A, 2, M) of `OUTCOMES`."""
        told = []
        for agent in self.agents:
            output = agent.judge(stored)
            brake = output.log_policy.exp()[:, list(self.brakes)].sum(1)
            told.append(np.stack([brake.double().numpy(), output.value.double().numpy()]))
            self.on_done(len(stored))
        return np.stack(told)


def _ask_places(
    jury: Jury, studio: Studio, moments: Moments, nobody: Stored
) -> tuple[Floats, Floats, Floats]:
    """Ask about a person, a pole and a car at every place; return them as `Answers` has them, (A, ...)."""
    shape, size = (len(jury.agents), len(OUTCOMES)), len(moments)
    person = np.zeros((*shape, len(HEADINGS), len(AHEAD), len(LEFT), size))
    pole = np.zeros((*shape, len(HEADINGS), len(AHEAD), size))
    car = np.zeros((*shape, len(AHEAD), size))
    for a, ahead in enumerate(AHEAD):
        car[:, :, a] = jury.judge(studio.draw(with_car(moments, ahead)).stacks())
        for h, heading in enumerate(HEADINGS.values()):
            for k, left in enumerate(LEFT):
                seen = studio.draw(with_person(moments, ahead, left, heading)).stacks()
                person[:, :, h, a, k] = jury.judge(seen)
                if k == MIDDLE:
                    pole[:, :, h, a] = jury.judge(studio.as_pole(seen, nobody))
    return person, pole, car


def _ask_courses(
    jury: Jury, studio: Studio, moments: Moments, nobody: Stored
) -> tuple[Floats, Floats, list[Snapshot]]:
    """Ask about a person and a pole on each collision course, (A, 2, H, spare, M).

    Returns:
        What is said of the two, and the moments with the person, to drive on from.
    """
    shape = (len(jury.agents), len(OUTCOMES), len(HEADINGS), len(SPARE), len(moments))
    person, pole, starts = np.zeros(shape), np.zeros(shape), []
    for h, heading in enumerate(HEADINGS.values()):
        for s, spare in enumerate(SPARE):
            past = with_person(moments, *on_course(moments, spare, heading), heading)
            stack = studio.draw(past)
            seen = stack.stacks()
            person[:, :, h, s], pole[:, :, h, s] = jury.judge(seen), jury.judge(studio.as_pole(seen, nobody))
            starts.append(Snapshot(past[-1], stack.history()))
    return person, pole, starts
