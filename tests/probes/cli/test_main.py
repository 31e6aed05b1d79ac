from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from probes import cli
from probes.agent import DivergedError, ProbeError
from probes.cli import COMMANDS, DIVERGED, MISUSE, main, make_parser


class Failing:
    """A module of one command that raises what it is told to."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error

    def add_parser(self, commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        parser = commands.add_parser("fail")
        parser.add_argument("--mild", action="store_true")
        parser.set_defaults(func=self.run)

    def run(self, args: argparse.Namespace) -> int:
        if self.error is not None and not args.mild:
            raise self.error
        return 0


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Failing:
    module = Failing(None)
    monkeypatch.setitem(COMMANDS, "fail", "failing")
    monkeypatch.setattr(cli, "import_module", lambda _: module)
    return module


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert f"usage: probes {name}" in capsys.readouterr().out


def test_only_the_module_of_the_wanted_command_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def import_module(name: str) -> Failing:
        asked.append(name)
        return Failing(None)

    monkeypatch.setattr(cli, "import_module", import_module)
    make_parser("fit")
    assert asked == ["probes.cli.fit"]


def test_a_command_that_does_not_exist_is_answered_with_all_that_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["fitt"])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "invalid choice: 'fitt'" in told
    assert all(name in told for name in COMMANDS)


@pytest.mark.parametrize(("error", "status"), [(ProbeError, MISUSE), (DivergedError, DIVERGED), (None, 0)])
def test_the_exit_status_tells_misuse_from_divergence(
    failing: Failing,
    capsys: pytest.CaptureFixture[str],
    error: type[ProbeError] | None,
    status: int,
) -> None:
    failing.error = error("no such [bold]thing[/bold] " + 90 * "x") if error else None
    assert main(["fail"]) == status
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == (f"error: {failing.error}\n" if error else "")
    assert main(["fail", "--mild"]) == 0


def test_the_two_statuses_differ() -> None:
    assert len({0, 1, MISUSE, DIVERGED}) == 4
    assert DIVERGED == 4


def test_errors_of_the_program_itself_keep_their_traceback(failing: Failing) -> None:
    failing.error = RuntimeError("a mistake of ours")
    with pytest.raises(RuntimeError, match="a mistake of ours"):
        main(["fail"])


@pytest.mark.slow
def test_the_package_runs_as_a_program(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "probes", "fit", str(tmp_path / "none")],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(cli.__file__).parents[2],
    )
    assert done.returncode == MISUSE
    assert "none: does not exist; `probes collect` makes one" in done.stderr
