"""JSON to typed records: what a dataclass's annotations allow, and nothing else.

Errors begin with the place in the JSON, `study.json.sections[2].title`, and name the nearest spelling.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from difflib import get_close_matches
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from probes.agent import ProbeError

T = TypeVar("T")

_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", type(None): "null"}


def decode(kind: type[T], data: object, where: str) -> T:
    """Build a record of a dataclass, and all that it holds, from JSON.

    Understood are text, numbers, booleans, None, `Literal`, `tuple[X, ...]`, `dict[str, X]`, dataclasses and
    unions of these; of several dataclasses in a union the field `type`, a `Literal`, says which.

    Args:
        kind: the dataclass.
        data: as read from JSON.
        where: what `data` is called in messages.

    Raises:
        ProbeError: something is missing, unknown or of a wrong type.
    """
    return cast(T, _value(kind, data, where))


def _value(kind: Any, data: object, where: str) -> object:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _one_of(get_args(kind), data, where)
    if origin is Literal:
        allowed = get_args(kind)
        if data not in allowed:
            raise _mismatch(where, data, " or ".join(map(repr, allowed)))
        return data
    if origin is tuple:
        if not isinstance(data, list | tuple):
            raise _mismatch(where, data, "a list")
        return tuple(_value(get_args(kind)[0], each, f"{where}[{i}]") for i, each in enumerate(data))
    if origin is dict:
        if not isinstance(data, Mapping):
            raise _mismatch(where, data, "an object")
        return {str(key): _value(get_args(kind)[1], each, f"{where}.{key}") for key, each in data.items()}
    if is_dataclass(kind):
        return _record(kind, data, where)
    return _plain(kind, data, where)


def _plain(kind: Any, data: object, where: str) -> object:
    # A boolean is an int to Python, and 3 a valid float to JSON.
    fits = isinstance(data, kind) and not (isinstance(data, bool) and kind is not bool)
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if not fits:
        raise _mismatch(where, data, _NAMES[kind])
    return data


def _one_of(kinds: tuple[Any, ...], data: object, where: str) -> object:
    """Decode what may be of several kinds: a record by its field `type`, anything else by what it is."""
    records = [kind for kind in kinds if is_dataclass(kind)]
    if isinstance(data, Mapping) and len(records) == 1:
        return _value(records[0], data, where)
    if isinstance(data, Mapping) and records:
        by_tag = {get_args(get_type_hints(kind)["type"])[0]: kind for kind in records}
        tag = data.get("type")
        if tag not in by_tag:
            raise _unknown(f"{where}.type", str(tag), list(by_tag))
        return _value(by_tag[tag], data, where)
    # A whole number stays one where both are allowed.
    plain = [kind for kind in kinds if not is_dataclass(kind)]
    for kind in sorted(plain, key=lambda each: each is float):
        try:
            return _value(kind, data, where)
        except ProbeError:
            continue
    allowed = [_NAMES.get(kind, "a list") for kind in plain] + ["an object"] * bool(records)
    raise _mismatch(where, data, " or ".join(allowed))


def _record(kind: Any, data: object, where: str) -> object:
    if not isinstance(data, Mapping):
        raise _mismatch(where, data, "an object")
    known = {field.name: field for field in fields(kind)}
    for name in data:
        if name not in known:
            raise _unknown(where, str(name), list(known))
    missing = [name for name, field in known.items() if name not in data and _is_required(field)]
    if missing:
        raise ProbeError(f"{where}: {missing[0]!r} is missing; required are {', '.join(_required(kind))}")
    hints = get_type_hints(kind)
    values = {name: _value(hints[name], data[name], f"{where}.{name}") for name in data}
    try:
        return kind(**values)
    except ValueError as error:
        raise ProbeError(f"{where}: {error}") from error


def _required(kind: Any) -> list[str]:
    return [field.name for field in fields(kind) if _is_required(field)]


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _mismatch(where: str, data: object, allowed: str) -> ProbeError:
    found = repr(data)
    return ProbeError(f"{where}: found {found[:60]}; allowed is {allowed}")


def _unknown(where: str, name: str, allowed: list[str]) -> ProbeError:
    near = get_close_matches(name, allowed, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return ProbeError(f"{where}: {name!r} is unknown; allowed are {', '.join(allowed)}{hint}")
