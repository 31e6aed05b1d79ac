"""From a name or a file to a validated scenario: reading, `extends`, and all errors at once."""

from __future__ import annotations

import hashlib
import stat
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from drivesim.scenario.errors import Issue, ScenarioError, in_order, shown
from drivesim.scenario.explain import issues_of, nearest
from drivesim.scenario.quantity import is_distribution
from drivesim.scenario.schema import Scenario
from drivesim.scenario.strict_yaml import MAX_BYTES, Node, parse, plain_entries

_OWN_KEYS = ("name", "extends", "description")
"""What a file says about itself alone; never inherited."""
_SUFFIXES = (".yaml", ".yml")
_PACKAGE = Path(__file__).resolve().parents[1]


def _shipped() -> dict[str, Path]:
    """Find the shipped files: inside the package once installed, beside it in a checkout."""
    installed, checkout = _PACKAGE / "scenarios", _PACKAGE.parent / "scenarios"
    folder = installed if installed.is_dir() else checkout
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def shipped_names() -> list[str]:
    """Return the names of the scenarios that come with the package, in alphabetical order."""
    return list(_shipped())


def display(path: str | Path) -> str:
    """Write a path for people, on one line, in characters that any terminal takes."""
    return "".join(character if character.isprintable() else "?" for character in str(path))


def _find(name_or_path: str | Path) -> Path:
    """Return the file meant: a text without a folder or suffix names a shipped scenario."""
    text = str(name_or_path)
    is_file = isinstance(name_or_path, Path) or Path(text).name != text or text.endswith(_SUFFIXES)
    if is_file:
        return Path(text)
    shipped = _shipped()
    if text not in shipped:
        message = f"no such scenario; allowed: {', '.join(shipped)}, or a path to a .yaml file"
        raise ScenarioError([Issue(display(text), 1, 1, "-", message + nearest(text, shipped))])
    return shipped[text]


def read_bytes(path: Path) -> bytes:
    """Read a regular file, one byte beyond the limit at most; raise ScenarioError when that fails."""
    try:
        # A pipe or a device might never end, and opening one might wait for ever.
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError("not a regular file")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"cannot be read: {reason}; allowed: a readable file"
        raise ScenarioError([Issue(display(path), 1, 1, "-", message)]) from error


def _lies_in(path: Path, folder: Path) -> bool:
    """Say whether a file is there and is no link out of its folder, a way around the rule."""
    try:
        return path.is_file() and path.resolve().parent == folder.resolve()
    except OSError:  # for one, a name that is too long
        return False


def find_named(name: str, folder: Path | None) -> Path | str:
    """Return the file that a scenario names, for one by `extends`, or what is wrong with the name.

    Args:
        name: of a shipped scenario, or of a file in the folder.
        folder: where the file lies that names it; None for text that lies nowhere.
    """
    shipped = _shipped()
    if name in shipped:
        return shipped[name]
    if folder is not None and name.endswith(_SUFFIXES) and "/" not in name and "\\" not in name:
        path = folder / name
        if _lies_in(path, folder):
            return path
    beside = sorted(path.name for path in folder.glob("*.yaml")) if folder is not None else []
    known = [*shipped, *beside[:20]]
    message = f"found {shown(name)}; allowed: {', '.join(shipped)}, or a .yaml file in the same folder"
    return message + nearest(name, known)


def _merge(parent: Node, child: Node) -> Node:
    """Lay the child over the parent: mappings merge by key, all else, distributions too, is replaced."""
    if not (isinstance(parent.value, dict) and isinstance(child.value, dict)):
        return child
    if is_distribution(parent.value) or is_distribution(child.value):
        return child
    merged = dict(parent.value)
    for key, node in child.value.items():
        merged[key] = _merge(merged[key], node) if key in merged else node
    return replace(child, value=merged)


def _inherit(root: Node, folder: Path | None, ancestors: tuple[Path, ...]) -> tuple[Node, list[Issue]]:
    """Merge a file's tree over what it extends.

    Args:
        root: the file's own tree.
        folder: where the file lies; None for text that lies nowhere.
        ancestors: the files that led here, this one last.

    Returns:
        The merged tree and the issues of the files above.
    """
    assert isinstance(root.value, dict)
    node = root.value.get("extends")
    if node is None or not isinstance(node.value, str):
        return root, []
    found = find_named(node.value, folder)
    if isinstance(found, Path) and found.resolve() in ancestors:
        names = " -> ".join(path.name for path in (*ancestors, found))
        found = f"a cycle: {names}; allowed: a scenario that does not extend this one"
    if isinstance(found, str):
        return root, [Issue(node.file, node.line, node.column, "extends", found)]
    try:
        parent, issues = parse(read_bytes(found), display(found))
    except ScenarioError as error:
        return root, error.issues
    if parent is None:
        return root, issues
    parent, above = _inherit(parent, found.parent, (*ancestors, found.resolve()))
    assert isinstance(parent.value, dict)
    inherited = {key: child for key, child in parent.value.items() if key not in _OWN_KEYS}
    return _merge(replace(parent, value=inherited), root), [*issues, *above]


def load(name_or_path: str | Path) -> Scenario:
    """Load a scenario.

    Args:
        name_or_path: a shipped name, such as `reasonable`, or the path of a YAML file; a text with a folder
            or a suffix is a path.

    Returns:
        The scenario, merged over what it extends.

    Raises:
        ScenarioError: with every issue, the file's own first.
    """
    path = _find(name_or_path)
    return loads(read_bytes(path), path)


def check(name_or_path: str | Path) -> list[Issue]:
    """Return every issue of a scenario, the file's own first; none when it can be loaded."""
    try:
        load(name_or_path)
    except ScenarioError as error:
        return error.issues
    return []


def loads(content: bytes, path: Path | None = None) -> Scenario:
    """Validate the bytes of a scenario file.

    Args:
        content: the file's bytes.
        path: where it lies; without it only shipped scenarios can be extended.

    Returns:
        The scenario, merged over what it extends.

    Raises:
        ScenarioError: with every issue, the file's own first.
    """
    file = "<text>" if path is None else display(path)
    root, issues = parse(content, file)
    if root is None:
        raise ScenarioError(in_order(issues, file))
    folder = None if path is None else path.parent
    root, above = _inherit(root, folder, () if path is None else (path.resolve(),))
    issues = [*issues, *above]
    scenario, found = _validate(root, _sections_of(issues))
    if scenario is None or issues:
        raise ScenarioError(in_order([*issues, *found], file))
    return scenario


def _sections_of(issues: list[Issue]) -> frozenset[str]:
    """Return the top-level keys that the issues cast doubt on: all of them when a parent is missing."""
    named = {issue.path.partition(".")[0] for issue in issues}
    return frozenset(Scenario.model_fields if named & {"extends", "-"} else named)


def _validate(root: Node, bad_sections: frozenset[str]) -> tuple[Scenario | None, list[Issue]]:
    """Apply the schema; when fields fail, look for conflicts in the sections that did not."""
    data = plain_entries(root)
    try:
        return Scenario.model_validate(data), []
    except ValidationError as error:
        errors = error.errors(include_url=False)
    issues = issues_of(errors, root, bad_sections)
    if all(error["loc"] for error in errors):
        bad_sections |= {str(error["loc"][0]) for error in errors}
        rest = {key: value for key, value in data.items() if key not in bad_sections} | {"name": "unnamed"}
        try:
            Scenario.model_validate(rest)
        except ValidationError as error:
            issues += issues_of(error.errors(include_url=False), root, bad_sections)
    return None, issues


def scenario_digest(scenario: Scenario) -> str:
    """Return the sha256 of all that a scenario says, inherited values and defaults included."""
    return hashlib.sha256(scenario.model_dump_json().encode()).hexdigest()
