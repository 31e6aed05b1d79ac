from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("ale_py")

from drivesim.rl.checkpoint import load_network
from drivesim.rl.q_network import QNetwork
from probes.cli import MISUSE, main

TOY = (
    "--envs", "2", "--learning-starts", "32", "--batch", "8", "--hidden", "16", "--replay-frames", "400",
    "--precision", "float32",
)  # fmt: skip


def train(output: Path, *more: str, steps: int = 64) -> int:
    return main(["train", "atari:Freeway", "--steps", str(steps), *TOY, "-o", str(output), *more])


def test_an_agent_is_trained_kept_and_gone_on_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "freeway"
    assert train(run, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["status"], told["step"]) == ("finished", 64)
    network, metadata = load_network(Path(told["agent"]))
    assert isinstance(network, QNetwork)
    assert metadata["actions"] == ["noop", "up", "down"]
    assert metadata["game"] == "freeway"
    assert train(run, steps=96) == MISUSE  # it has begun
    assert "resume it" in capsys.readouterr().err
    assert train(tmp_path / "more", "--init", str(run)) == 0
    _, more = load_network(tmp_path / "more" / "agent")
    assert [command["from_step"] for command in more["commands"]] == [0, 0]
    assert more["commands"][1]["init"] == f"{run} after 64 steps"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["Freeway"], "found 'Freeway', allowed is atari: and a game"),
        (["atari:Freway"], "did you mean 'freeway'?"),
        (["atari:Freeway", "--envs", "3"], "one must be a multiple of the other"),
        (["atari:Freeway", "--resume"], "there is no checkpoint to resume"),
        (["atari:Freeway", "--init", "nobody"], "nobody"),
        (["atari:Freeway", "--discount", "2"], "discount is 2.0"),
    ],
)
def test_what_cannot_be_trained_is_refused(
    arguments: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", *arguments, "-o", str(tmp_path / "run")]) == MISUSE
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "run" / "agent").exists()


def test_an_agent_of_another_game_is_no_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(tmp_path / "freeway") == 0
    other = ["train", "atari:Boxing", *TOY, "--init", str(tmp_path / "freeway"), "-o", str(tmp_path / "b")]
    assert main(other) == MISUSE
    assert "is no DQN of this shape for boxing" in capsys.readouterr().err
