"""The loop around the learner: what a run leaves behind, however it ends."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from drivesim.rl import progress
from drivesim.rl.a2c import A2CConfig, Learner, TrainingDiverged
from drivesim.rl.checkpoint import CheckpointError, load_agent, load_network
from drivesim.rl.dqn import QLearner
from drivesim.rl.dqn_config import DQNConfig
from drivesim.rl.networks import ActorCritic
from drivesim.rl.q_network import QNetwork
from drivesim.rl.resume import latest_checkpoint
from drivesim.rl.training import (
    RunConfig,
    Status,
    TrainingResult,
    caught_signals,
    fastest_precision,
    keep_freed_memory,
    train,
    train_learner,
)
from tests.rl.catch import LAYOUT, SMALL, Catch
from tests.rl.random_frames import GRAY, TINY, RandomFrames

CONFIG = A2CConfig(total_steps=64 * 10, seed=5)
DQN = DQNConfig(total_steps=160, batch_size=8, learning_starts=32, replay_frames=400, seed=5)


@pytest.fixture(autouse=True)
def _without_tensorboard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_tensorboard_writer", lambda *_: None)


def run(
    directory: Path, resume: bool = False, on_update: Callable[[Learner], None] | None = None
) -> TrainingResult:
    config = RunConfig(directory, resume=resume, metadata={"actions": ["left", "stay", "right"]})
    return train(Catch(8), ActorCritic(LAYOUT, SMALL), CONFIG, config, on_update)


def interrupt(number: int, step: int) -> Callable[[Learner], None]:
    def on_update(learner: Learner) -> None:
        if learner.step == step:
            os.kill(os.getpid(), number)

    return on_update


def test_a_finished_run_leaves_log_agent_and_checkpoint(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result == TrainingResult(Status.FINISHED, 640, tmp_path / "agent")
    (record,) = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert record["step"] == 640
    assert record["episodes"] > 0
    assert record.keys() >= {"time_s", "steps_per_s", "mean_return", "mean_length", "value_loss", "entropy"}
    assert 0 <= record["episode/caught"] <= 1
    _, metadata = load_agent(result.agent)
    assert metadata["actions"] == ["left", "stay", "right"]
    assert metadata["training"]["step"] == 640
    assert metadata["training"]["config"]["seed"] == 5
    assert latest_checkpoint(tmp_path) == tmp_path / "checkpoints" / "000000000640"


def run_dqn(
    directory: Path,
    resume: bool = False,
    on_update: Callable[[QLearner], None] | None = None,
    saved_replay_bytes: int = 10**9,
) -> TrainingResult:
    learner = QLearner(RandomFrames(8), QNetwork(GRAY, TINY), DQN)
    config = RunConfig(directory, resume, log_every_s=0.0, saved_replay_bytes=saved_replay_bytes)
    return train_learner(learner, config, on_update)


def interrupt_dqn(learner: QLearner) -> None:
    if learner.step == 96:
        os.kill(os.getpid(), signal.SIGINT)


def test_a_dqn_runs_in_the_same_loop_and_resumes_bit_for_bit(tmp_path: Path) -> None:
    whole = run_dqn(tmp_path / "whole")
    first = run_dqn(tmp_path / "parts", on_update=interrupt_dqn)
    assert (first.status, first.step) == (Status.INTERRUPTED, 96)
    second = run_dqn(tmp_path / "parts", resume=True)
    assert (second.status, second.step) == (Status.FINISHED, 160)
    name = "checkpoints/000000000160/state.safetensors"
    assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()
    network, metadata = load_network(whole.agent)
    assert isinstance(network, QNetwork)
    assert metadata["algorithm"] == "dqn"
    assert metadata["training"]["replay"]["refills"] == []
    records = [json.loads(line) for line in (tmp_path / "parts" / "log.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records] == list(range(16, 161, 16))
    assert records[-1].keys() >= {"time_s", "steps_per_s", "mean_return", "mean_length", "value_loss"}


def test_a_refilled_replay_is_told_in_the_agents_record(tmp_path: Path) -> None:
    run_dqn(tmp_path, on_update=interrupt_dqn, saved_replay_bytes=0)
    result = run_dqn(tmp_path, resume=True, saved_replay_bytes=0)
    assert result.step == 160
    _, metadata = load_network(result.agent)
    (refill,) = metadata["training"]["replay"]["refills"]
    assert refill["step"] == 96
    assert refill["frames"] > 96


def test_the_agent_that_is_kept_is_the_learners(tmp_path: Path) -> None:
    config = replace(DQN, total_steps=400, averaged_updates=3, learning_rate=0.01)
    learner = QLearner(RandomFrames(8), QNetwork(GRAY, TINY), config)
    result = train_learner(learner, RunConfig(tmp_path))
    kept, _ = load_network(result.agent)
    for name, weight in kept.state_dict().items():
        assert torch.equal(weight, learner.agent.state_dict()[name].half().float())
        assert not torch.equal(weight, learner.network.state_dict()[name].half().float())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_saves_and_resumes_bit_for_bit(tmp_path: Path, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    whole = run(tmp_path / "whole")
    first = run(tmp_path / "parts", on_update=interrupt(number, 256))
    assert (first.status, first.step) == (Status.INTERRUPTED, 256)
    assert signal.getsignal(number) == before
    second = run(tmp_path / "parts", resume=True)
    assert (second.status, second.step) == (Status.FINISHED, 640)
    files = [result.agent / "agent.safetensors" for result in (whole, second)]
    assert files[0].read_bytes() == files[1].read_bytes()
    states = [tmp_path / name / "checkpoints/000000000640/state.safetensors" for name in ("whole", "parts")]
    assert states[0].read_bytes() == states[1].read_bytes()


def test_resuming_a_finished_run_changes_nothing(tmp_path: Path) -> None:
    result = run(tmp_path)
    log = (tmp_path / "log.jsonl").read_text()
    assert run(tmp_path, resume=True) == result
    assert log
    assert (tmp_path / "log.jsonl").read_text() == log


def test_a_begun_run_is_not_overwritten(tmp_path: Path) -> None:
    run(tmp_path)
    with pytest.raises(CheckpointError, match="the run has begun"):
        run(tmp_path)


def test_resuming_nothing_begins(tmp_path: Path) -> None:
    assert run(tmp_path, resume=True).status == Status.FINISHED


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    run(tmp_path)
    file = tmp_path / "checkpoints" / "000000000640" / "state.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match=r"state\.safetensors: truncated"):
        run(tmp_path, resume=True)


@pytest.mark.parametrize("checkpoint_every_s", [0.0, 1000.0])
def test_a_divergence_names_the_step_and_keeps_the_last_good_checkpoint(
    tmp_path: Path, checkpoint_every_s: float
) -> None:
    last = tmp_path / "checkpoints" / "000000000256" if checkpoint_every_s == 0 else None

    def poison(learner: Learner) -> None:
        if learner.step == 320:
            with torch.no_grad():
                learner.network.policy.weight[:] = np.nan

    config = RunConfig(tmp_path, checkpoint_every_s=checkpoint_every_s)
    with pytest.raises(TrainingDiverged, match="step 320"):
        train(Catch(8), ActorCritic(LAYOUT, SMALL), CONFIG, config, poison)
    assert latest_checkpoint(tmp_path) == last


def test_each_update_is_told_and_logged_when_asked(tmp_path: Path) -> None:
    told: list[int] = []
    config = RunConfig(tmp_path, log_every_s=0.0)
    short = replace(CONFIG, total_steps=64 * 3)
    train(Catch(8), ActorCritic(LAYOUT, SMALL), short, config, lambda learner: told.append(learner.step))
    assert told == [64, 128, 192]
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 3


def test_a_second_interrupt_acts_as_ever() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
    try:
        interrupt_twice()
    finally:
        signal.signal(signal.SIGINT, before)


def interrupt_twice() -> None:
    with caught_signals() as caught:
        signal.raise_signal(signal.SIGINT)
        assert caught == [signal.SIGINT]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_outside_the_main_thread_signals_are_left_alone() -> None:
    seen: list[list[int]] = []

    def work() -> None:
        with caught_signals() as caught:
            seen.append(caught)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [[]]


def test_bfloat16_is_chosen_where_the_processor_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fastest_precision("cuda") == "bfloat16"
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    assert fastest_precision("cpu") == "bfloat16"
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported")
    assert fastest_precision("cpu") == "float32"


def test_memory_may_be_tuned_more_than_once() -> None:
    keep_freed_memory()
    keep_freed_memory()
