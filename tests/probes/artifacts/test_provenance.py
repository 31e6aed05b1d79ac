"""What is known of the program that made a result."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from probes.artifacts import provenance


def git(directory: Path, *arguments: str) -> str:
    words = ["git", "-c", "user.name=A", "-c", "user.email=a@b", *arguments]
    return subprocess.run(words, cwd=directory, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):  # set where tests run from a hook
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "source.py").write_text("a = 1\n")
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "First")
    return tmp_path


def test_a_package_in_a_checkout_has_its_commit(checkout: Path) -> None:
    head = git(checkout, "rev-parse", "HEAD")
    assert provenance.commit_of(checkout / "package") == (head, False)
    (checkout / "package" / "source.py").write_text("a = 2\n")
    assert provenance.commit_of(checkout / "package") == (head, False), "what runs was read before"
    provenance.commit_of.cache_clear()  # as another process
    assert provenance.commit_of(checkout / "package") == (head, True)


def test_a_source_file_that_git_does_not_know_makes_a_checkout_dirty(checkout: Path) -> None:
    (checkout / "package" / "more.py").touch()
    assert provenance.commit_of(checkout / "package").dirty


def test_a_package_installed_below_an_unrelated_checkout_has_no_commit(checkout: Path) -> None:
    (checkout / "venv" / "package").mkdir(parents=True)
    assert provenance.commit_of(checkout / "venv" / "package") == (None, None)


def test_without_git_there_is_no_commit(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(checkout))
    assert provenance.commit_of(checkout / "package") == (None, None)


@pytest.mark.parametrize(
    ("program", "command"),
    [
        ("/a/bin/probes", "probes fit --out 'a b'"),
        ("/a/probes/__main__.py", "python -m probes fit --out 'a b'"),
    ],
)
def test_the_command_can_be_pasted_into_a_shell(
    monkeypatch: pytest.MonkeyPatch, program: str, command: str
) -> None:
    monkeypatch.setattr("sys.argv", [program, "fit", "--out", "a b"])
    assert provenance.command() == command


def test_packages_that_are_not_installed_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "_PACKAGES", ("numpy", "no-such-package-anywhere"))
    versions = provenance.package_versions()
    assert list(versions) == ["numpy"]
    assert versions["numpy"][0].isdigit()


def test_a_command_that_another_runs_is_told_as_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["/a/bin/probes", "study", "driving"])
    with provenance.called("probes", "search", "T-", "-o", "a b"):
        assert provenance.command() == "probes search T- -o 'a b'"
        with provenance.called("probes", "fit"):
            assert provenance.command() == "probes fit"
        assert provenance.command() == "probes search T- -o 'a b'"
    assert provenance.command() == "probes study driving"


def test_a_command_that_fails_is_told_no_more() -> None:
    before = provenance.command()
    with pytest.raises(KeyError), provenance.called("probes", "fit"):
        raise KeyError
    assert provenance.command() == before
