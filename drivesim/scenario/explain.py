"""From pydantic's errors to issues: the place, what is wrong, what is allowed, the nearest spelling."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import cache
from typing import Any

from pydantic_core import ErrorDetails

from drivesim.scenario.conflicts import Conflict
from drivesim.scenario.errors import MAX_ISSUES, FieldPath, Issue, dotted, shown
from drivesim.scenario.schema import json_schema
from drivesim.scenario.strict_yaml import Node, locate

_OWN_TYPES = {"out_of_range", "fraction", "ends", "deviation", "repeated"}
"""Errors raised by this package, whose messages say it all."""
_BOOLS = {"on": "true", "yes": "true", "True": "true", "TRUE": "true", "On": "true", "Yes": "true"} | {
    "off": "false", "no": "false", "False": "false", "FALSE": "false", "Off": "false", "No": "false"
}  # fmt: skip
_NAME = "a name of at most 64 letters, digits, _ and -, a letter first"
_DISTRIBUTIONS = ("uniform", "normal", "choice")


@cache
def _schema() -> dict[str, Any]:
    return json_schema()


def _resolve(node: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference into the schema's definitions."""
    while "$ref" in node:
        node = _schema()["$defs"][node["$ref"].rpartition("/")[2]]
    return node


def _step(node: dict[str, Any], part: str | int) -> dict[str, Any] | None:
    """Go one level down in the schema; None where nothing is allowed."""
    for branch in (_resolve(option) for option in (node, *node.get("oneOf", ()))):
        if isinstance(part, str):
            children = [branch.get("properties", {}).get(part), branch.get("additionalProperties")]
            children += branch.get("patternProperties", {}).values()
        else:
            places = branch.get("prefixItems", ())
            children = [places[part] if part < len(places) else None, branch.get("items")]
        for child in children:
            if isinstance(child, dict):
                return _resolve(child) if "oneOf" not in child else child
    return None


def _at(path: FieldPath) -> dict[str, Any] | None:
    """Return the part of the schema that governs a path."""
    node: dict[str, Any] | None = _schema()
    for part in path:
        node = _step(node, part) if node is not None else None
    return node


def allowed(node: dict[str, Any] | None) -> str:
    """Say what a part of the schema allows."""
    if node is None:
        return "nothing"
    node = _resolve(node)
    if "oneOf" in node and "minimum" in node:
        return f"{_numbers(node)}, {{uniform: [a, b]}}, {{normal: [mean, deviation]}} or {{choice: [...]}}"
    if "anyOf" in node or "oneOf" in node:
        return " or ".join(allowed(option) for option in (*node.get("anyOf", ()), *node.get("oneOf", ())))
    if "enum" in node or "const" in node:
        return ", ".join(map(str, node.get("enum", [node.get("const")])))
    kind = node.get("type")
    if kind == "object":
        names = f"{node.get('minProperties', 0)} to {node.get('maxProperties', 'any')} names"
        return f"a section with {', '.join(_keys(node))}" if _keys(node) else f"a mapping of {names}"
    if kind == "array":
        return _list(node)
    if kind == "string":
        return _NAME if "pattern" in node else f"a text of at most {node.get('maxLength', 255)} characters"
    return {"boolean": "true or false", "null": "nothing"}.get(str(kind)) or _numbers(node)


def _numbers(node: dict[str, Any]) -> str:
    kind = "a whole number" if node.get("type") == "integer" else "a number"
    return f"{kind} from {node['minimum']:g} to {node['maximum']:.16g}" if "minimum" in node else kind


def _list(node: dict[str, Any]) -> str:
    if "prefixItems" in node:
        return f"a list of {len(node['prefixItems'])} numbers"
    bounds = f"{node.get('minItems', 0)} to {node.get('maxItems', 'any')}"
    return f"a list of {bounds}, each {allowed(node['items'])}"


def _keys(node: dict[str, Any] | None) -> list[str]:
    """List the keys that a section may have."""
    if node is None:
        return []
    if "oneOf" in node and "minimum" in node:
        return list(_DISTRIBUTIONS)
    return list(_resolve(node).get("properties", ()))


def nearest(word: object, known: Iterable[str]) -> str:
    """Propose the most similar of the known words, as the end of a message; empty when none is similar."""
    if not isinstance(word, str) or len(word) > 64:
        return ""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; nearest: {close[0]}" if close else ""


def _field_path(error: ErrorDetails) -> FieldPath:
    """Strip the names of a union's branches and pydantic's mark of keys from an error's place."""
    return tuple(
        part for part in error["loc"] if not (isinstance(part, str) and (part[:1] == "<" or part == "[key]"))
    )


def _message(error: ErrorDetails, path: FieldPath, with_nearest: bool) -> str:
    """Say what is wrong with one field, what is allowed, and the nearest spelling of an unknown key."""
    kind, found = error["type"], error["input"]
    if kind in _OWN_TYPES:
        return error["msg"]
    if kind == "extra_forbidden":
        known = _keys(_at(path[:-1]))
        return f"unknown key; allowed: {', '.join(known)}{nearest(path[-1], known) if with_nearest else ''}"
    if kind == "missing":
        return f"missing; allowed: {allowed(_at(path))}"
    if error["loc"][-1] == "[key]":
        return f"not a name; allowed: {_NAME}"
    node = _at(path)
    message = f"found {_shown(found)}; allowed: {allowed(node)}"
    if isinstance(found, dict):
        return message + next(filter(None, (nearest(key, _keys(node)) for key in list(found)[:4])), "")
    if node is not None and _resolve(node).get("type") == "boolean" and str(found) in _BOOLS:
        return f"{message}; nearest: {_BOOLS[str(found)]}"
    return message + nearest(found, allowed(node).replace(",", " ").split())


def _shown(found: object) -> str:
    """Show a value, or only its size when it is a large collection."""
    if isinstance(found, dict | list) and len(found) > 8:
        return f"{'a mapping' if isinstance(found, dict) else 'a list'} of {len(found)}"
    return shown(found)


def _conflict_issue(conflict: Conflict, root: Node) -> Issue:
    """Place a conflict at the first of its fields that this file wrote, else at the first that any wrote."""
    written = [(path, node) for path in conflict.paths for node, itself in [locate(root, path)] if itself]
    own = [(path, node) for path, node in written if node.file == root.file]
    path, node = (own or written or [(conflict.paths[0], root)])[0]
    prefix = "" if path == conflict.paths[0] else f"at odds with {dotted(conflict.paths[0])}: "
    return Issue(node.file, node.line, node.column, dotted(path), prefix + conflict.message)


def _is_consequence(error: ErrorDetails, is_written: bool) -> bool:
    """Say whether an error follows from one that is told anyway.

    A missing value may have been written, only unusably so; and pydantic calls a list too short when its
    items are invalid.
    """
    if error["type"] == "too_short":
        return len(error["input"]) >= int(error["ctx"]["min_length"])
    return error["type"] == "missing" and is_written


def issues_of(errors: Iterable[ErrorDetails], root: Node, bad_sections: frozenset[str]) -> list[Issue]:
    """Translate pydantic's errors.

    Args:
        errors: what pydantic found in the plain values of `root`.
        root: the merged tree.
        bad_sections: top-level keys with issues already told; conflicts that involve one are left out.

    Returns:
        One issue for each error and each conflict that is not a consequence of an issue already told.
    """
    issues: list[Issue] = []
    for error in errors:
        if error["type"] == "conflicts":
            for conflict in error["ctx"]["conflicts"]:
                if not bad_sections & {str(path[0]) for path in conflict.paths}:
                    issues.append(_conflict_issue(conflict, root))
            continue
        path = _field_path(error)
        node, itself = locate(root, path)
        if _is_consequence(error, itself):
            continue
        at_key = error["type"] in ("extra_forbidden", "missing") or error["loc"][-1:] == ("[key]",)
        line, column = (node.key_line, node.key_column) if at_key else (node.line, node.column)
        # To look for spellings takes most of the time, and beyond these nobody reads on.
        message = _message(error, path, with_nearest=len(issues) < MAX_ISSUES)
        issues.append(Issue(node.file, line, column, dotted(path), message))
    return issues
