"""Which way the imports run, and in which room each special library stays."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]

#: What each part of drivesim may import of the others. The parts that are not listed join all of them.
ALLOWED: dict[str, set[str]] = {
    "agents": set(),
    "kernels": set(),
    "scenario": set(),
    "rl": {"kernels"},
    "world": {"kernels", "scenario"},
    "drivers": {"kernels", "scenario", "world"},
    "render": {"kernels", "scenario", "world"},
    "envs": {"kernels", "scenario", "world", "render"},
}

#: What each part of probes may import of the others, likewise.
PROBES_ALLOWED: dict[str, set[str]] = {
    "states": set(),
    "progress": set(),
    "statistics": set(),
    "agent": {"states"},
    "artifacts": {"agent"},
    "models": {"agent", "artifacts"},
    "user_function": {"agent"},
    "data": {"states", "progress", "agent", "artifacts"},
    "state_models": {"states", "progress", "agent", "artifacts", "data"},
    "synthesis": {"states", "statistics", "agent", "artifacts", "data", "state_models", "user_function"},
    "measures": {"states", "statistics", "agent", "artifacts", "data", "state_models", "synthesis"},
    "replay": {"statistics", "agent"},
    "realize": {"agent"},
    "moment_replay": {"statistics", "agent", "replay"},
    "awareness": {"statistics"},
    "falsify": set(),
    "first_failures": {"statistics", "falsify"},
    "study": {"agent"},
    "report": {"states", "statistics", "agent", "artifacts"},
}

#: The only files that import a library.
ROOMS: dict[str, set[str]] = {
    "pybullet": {"drivesim/render/bullet.py"},
    "pybullet_data": {"drivesim/render/bullet.py"},
    "numba": {"drivesim/kernels.py"},
    "ale_py": {"probes/domains/atari.py"},
    "captum": {"probes/data/saliency.py"},
    "cma": {"probes/realize.py", "probes/falsify.py"},
    "jinja2": {"probes/report/page.py"},
    "kornia": {"probes/measures/activation_maximization.py"},
    "matplotlib": {"probes/report/figures.py", "probes/report/plan_view.py", "probes/report/sprites.py"},
    "PIL": {"probes/report/sprites.py"},
}


class Import(NamedTuple):
    """One name that a file imports."""

    file: str
    """Relative to the repository's root."""
    line: int
    name: str
    """`a.b` for `import a.b`, for `from a import b` and for `import_module("a.b")`."""
    is_lazy: bool
    """Whether it waits for a function to be called."""


def source_files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported_names(node: ast.AST, package: str) -> Iterator[str]:
    """Yield the names that one node of a file in `package` imports."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        module = ".".join([*above, *([node.module] if node.module else [])])
        yield from (f"{module}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in ("import_module", "__import__"):
            yield str(node.args[0].value)


def imports_of(path: Path) -> list[Import]:
    found: list[Import] = []
    file = path.relative_to(ROOT)
    package = ".".join(file.parent.parts)

    def visit(node: ast.AST, is_lazy: bool) -> None:
        for name in imported_names(node, package):
            found.append(Import(str(file), getattr(node, "lineno", 0), name, is_lazy))
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            visit(child, is_lazy or is_function)

    visit(ast.parse(path.read_text(encoding="utf-8")), False)
    return found


@cache
def all_imports() -> tuple[Import, ...]:
    files = [path for package in ("drivesim", "probes") for path in source_files(package)]
    return tuple(one for path in files for one in imports_of(path))


def part_of(dotted: str) -> str:
    """Return the part that `package.part.more` belongs to; a `cli` inside a part stands above it."""
    pieces = dotted.split(".")
    return "cli" if pieces[-1] == "cli" else pieces[1] if len(pieces) > 1 else ""


def test_the_scan_finds_the_imports_that_are_known_to_be_there() -> None:
    found = {(one.file, one.name) for one in all_imports()}
    assert len(source_files("drivesim")) > 30
    assert ("drivesim/kernels.py", "numba") in found
    assert ("drivesim/render/bullet.py", "pybullet") in found
    assert ("drivesim/envs/vector.py", "drivesim.world.advance") in found


def test_a_relative_import_is_resolved() -> None:
    node = ast.parse("from ..world import advance").body[0]
    assert list(imported_names(node, "drivesim.render")) == ["drivesim.world.advance"]


@pytest.mark.parametrize(
    ("package", "part"),
    [("drivesim", part) for part in ALLOWED] + [("probes", part) for part in PROBES_ALLOWED],
)
def test_a_part_imports_only_what_lies_below_it(package: str, part: str) -> None:
    allowed = (ALLOWED if package == "drivesim" else PROBES_ALLOWED)[part] | {part}
    inside = [
        one
        for one in all_imports()
        if one.file.startswith(f"{package}/")
        and part_of(one.file.removesuffix(".py").replace("/", ".")) == part
    ]
    assert inside or part == "agents", f"no file of {package}/{part} imports anything"
    wrong = [
        f"{one.file}:{one.line} imports {one.name}; allowed are {sorted(allowed)}"
        for one in inside
        if one.name.startswith(f"{package}.") and part_of(one.name) not in allowed
    ]
    assert not wrong, "\n".join(wrong)


def test_drivesim_knows_nothing_of_probes() -> None:
    wrong = [
        one for one in all_imports() if one.file.startswith("drivesim/") and one.name.startswith("probes")
    ]
    assert not wrong


def test_the_core_of_probes_knows_nothing_of_drivesim() -> None:
    joining = ("probes/domains/", "probes/cli")
    wrong = [
        one
        for one in all_imports()
        if one.file.startswith("probes/")
        and not one.file.startswith(joining)
        and one.name.startswith("drivesim")
    ]
    assert not wrong


@pytest.mark.parametrize("library", ROOMS)
def test_a_special_library_stays_in_its_room(library: str) -> None:
    users = {one.file for one in all_imports() if one.name.split(".")[0] == library}
    assert users <= ROOMS[library], (
        f"{library} is imported by {sorted(users)}; allowed are {sorted(ROOMS[library])}"
    )


def test_pybullet_is_imported_only_when_a_client_is_opened() -> None:
    uses = [one for one in all_imports() if one.name.split(".")[0] in ("pybullet", "pybullet_data")]
    assert uses
    assert all(one.is_lazy for one in uses)
