"""A strict reader of YAML: a tree of values that know their place, and every issue found on the way.

It is built from libyaml's events instead of PyYAML's constructors, because only events show anchors, and
because a constructor resolves `off` to false, `1e-3` to text, and merges keys that are given twice.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import yaml

from drivesim.scenario.errors import FieldPath, Issue, dotted, shown

if TYPE_CHECKING:
    _Mark = yaml.error.Mark | yaml._yaml.Mark

MAX_BYTES = 1_000_000
MAX_DEPTH = 32
MAX_VALUES = 2_000
"""A scenario has some 200; more would only make room for slow errors."""
MAX_DIGITS = 18
_TOO_DEEP = f"too deeply nested; allowed: at most {MAX_DEPTH} levels"

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNPRINTABLE = re.compile(
    "[^\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]*|(?=\.[0-9]))(\.[0-9]*)?([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "": None, "~": None, "null": None}


class Unusable:
    """Stands for a value whose issue has been told already."""


UNUSABLE = Unusable()


def _place(mark: _Mark | None) -> tuple[int, int]:
    """Return line and column from 1; libyaml counts from 0 and may not know."""
    return (1, 1) if mark is None else (mark.line + 1, mark.column + 1)


@dataclass(frozen=True)
class Node:
    """A value and where it stands; lines and columns from 1."""

    value: Value
    file: str
    line: int
    column: int
    key_line: int
    """Of the key in front of the value; as `line` where there is none."""
    key_column: int


Value: TypeAlias = str | int | float | bool | list[Node] | dict[str, Node] | Unusable | None


class _Fatal(Exception):
    """Ends the reading; its issue has been told already."""


class _Reader:
    """Holds what one reading shares: its file, libyaml's events, issues, and a count of values."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.issues: list[Issue] = []
        self.events: Iterator[yaml.Event] = yaml.parse(text, Loader=_LOADER)
        self.values = 0

    def report(self, event: yaml.Event, path: FieldPath, message: str) -> None:
        self.report_at(event.start_mark, path, message)

    def report_at(self, mark: _Mark | None, path: FieldPath, message: str) -> None:
        self.issues.append(Issue(self.file, *_place(mark), dotted(path), message))

    def document(self) -> Node | None:
        """Read the one document of the stream; None when it is empty."""
        root: Node | None = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    self.report(event, (), "a second document begins; allowed: one in a file")
                    raise _Fatal
                root = self.node(next(self.events), (), event)
        return root

    def node(self, event: yaml.Event, path: FieldPath, start: yaml.Event) -> Node:
        """Read the value that begins with `event`, and its key, if it has one, with `start`."""
        self.values += 1
        if self.values > MAX_VALUES:
            self.report(event, path, f"too many values; allowed: at most {MAX_VALUES}")
            raise _Fatal
        if len(path) >= MAX_DEPTH and isinstance(event, yaml.CollectionStartEvent):
            self.report(event, (), _TOO_DEEP)
            raise _Fatal
        return Node(self.value(event, path), self.file, *_place(event.start_mark), *_place(start.start_mark))

    def value(self, event: yaml.Event, path: FieldPath) -> Value:
        value: Value
        if isinstance(event, yaml.ScalarEvent):
            value = self.scalar(event, path)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self.sequence(path)
        elif isinstance(event, yaml.MappingStartEvent):
            value = self.mapping(path)
        else:
            self.report(event, path, "an alias; allowed: the value itself, written out")
            return UNUSABLE
        return value if self.is_plain(event, path) else UNUSABLE

    def is_plain(self, event: yaml.NodeEvent, path: FieldPath) -> bool:
        """Refuse anchors and tags."""
        if event.anchor is not None:
            self.report(event, path, f"an anchor {shown(event.anchor)}; allowed: none")
        tag = getattr(event, "tag", None)
        if tag is not None:
            self.report(event, path, f"a tag {shown(tag)}; allowed: none, the schema knows the types")
        return event.anchor is None and tag is None

    def sequence(self, path: FieldPath) -> list[Node] | Unusable:
        items: list[Node] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self.node(event, (*path, len(items)), event))
        # Without one of its items a list would mean something else.
        return UNUSABLE if any(isinstance(item.value, Unusable) for item in items) else items

    def mapping(self, path: FieldPath) -> dict[str, Node] | Unusable:
        entries: dict[str, Node] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.key(event, path)
            child = self.node(next(self.events), (*path, "?" if key is None else key), event)
            if key is None:
                continue
            if key in entries:
                first = entries[key]
                message = f"given twice, first in line {first.key_line}; allowed: once"
                self.report(event, (*path, key), message)
            else:
                entries[key] = child
        return entries

    def key(self, event: yaml.Event, path: FieldPath) -> str | None:
        """Read a key as the text it is, whatever it looks like; None when it is none."""
        if not isinstance(event, yaml.ScalarEvent):
            self.report(event, path, "a key that is not a word; allowed: names")
            self.node(event, (*path, "?"), event)
            return None
        if not self.is_plain(event, path) or not self.is_printable(event, path):
            return None
        return str(event.value)

    def is_printable(self, event: yaml.ScalarEvent, path: FieldPath) -> bool:
        """Refuse control characters that were smuggled in by escapes such as `\\0`."""
        found = _UNPRINTABLE.search(event.value)
        if found:
            code = f"U+{ord(found[0]):04X}"
            self.report(event, path, f"control character {code} in a text; allowed: none")
        return found is None

    def scalar(self, event: yaml.ScalarEvent, path: FieldPath) -> str | int | float | bool | Unusable | None:
        """Resolve a scalar by YAML 1.2's core schema, lower-case words only."""
        text: str = event.value
        if not self.is_printable(event, path):
            return UNUSABLE
        if event.style:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _NOT_FINITE.fullmatch(text):
            self.report(event, path, f"found {text}; allowed: finite numbers")
            return UNUSABLE
        if _INTEGER.fullmatch(text):
            if len(text) > MAX_DIGITS:
                message = f"a whole number of {len(text)} digits; allowed: at most {MAX_DIGITS}"
                self.report(event, path, message)
                return UNUSABLE
            return int(text)
        if _FLOAT.fullmatch(text):
            number = float(text)
            if not math.isfinite(number):
                self.report(event, path, f"found {text[:40]}; allowed: finite numbers")
                return UNUSABLE
            return number
        return text


def decode(content: bytes, file: str) -> tuple[str | None, list[Issue]]:
    """Turn bytes into text free of control characters; None beside the issue when that cannot be."""
    if len(content) > MAX_BYTES:
        return None, [Issue(file, 1, 1, "-", f"the file is too large; allowed: at most {MAX_BYTES} bytes")]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", errors="replace")
        message = f"byte 0x{content[error.start]:02x} is not UTF-8; allowed: UTF-8"
        return None, [_issue_after(before, file, message)]
    found = _UNPRINTABLE.search(text)
    if found:
        name = "a tab" if found[0] == "\t" else f"control character U+{ord(found[0]):04X}"
        message = f"{name}; allowed: spaces, line breaks and printable characters"
        return None, [_issue_after(text[: found.start()], file, message)]
    return text, []


def _issue_after(before: str, file: str, message: str) -> Issue:
    """Make an issue at the place that follows `before`."""
    lines = re.split("\r\n|\r|\n", before)
    return Issue(file, len(lines), len(lines[-1]) + 1, "-", message)


def parse(content: bytes, file: str, least: str = "a name") -> tuple[Node | None, list[Issue]]:
    """Read one YAML mapping.

    Args:
        content: the file's bytes.
        file: its name, for the issues.
        least: what the mapping must hold, for the issues.

    Returns:
        The root, or None when there is nothing to go on with, and all issues found.
    """
    text, issues = decode(content, file)
    if text is None:
        return None, issues
    reader = _Reader(text, file)
    try:
        root = reader.document()
    except _Fatal:
        return None, reader.issues
    except yaml.MarkedYAMLError as error:
        problem = " ".join(filter(None, (error.context, error.problem)))
        # From 0.2.6 on libyaml, which reads ahead of its events, has a limit of its own: 1,000 levels.
        message = _TOO_DEEP if "maximum nesting depth" in problem else f"not YAML: {problem}"
        reader.report_at(error.problem_mark or error.context_mark, (), message)
        return None, reader.issues
    except yaml.YAMLError as error:
        reader.report_at(None, (), f"not YAML: {shown(str(error))}")
        return None, reader.issues
    if root is None:
        reader.report_at(None, (), f"the file is empty; allowed: a mapping with at least {least}")
    elif not isinstance(root.value, dict | Unusable):
        reader.report_at(None, (), f"found {shown(plain(root))}; allowed: a mapping with at least {least}")
    usable = root is not None and isinstance(root.value, dict)
    return root if usable else None, reader.issues


def plain(node: Node) -> object:
    """Return a tree's values as lists, dicts and scalars."""
    if isinstance(node.value, list):
        return [plain(item) for item in node.value]
    return plain_entries(node) if isinstance(node.value, dict) else node.value


def plain_entries(node: Node) -> dict[str, object]:
    """Return the plain values of a mapping, without those that are unusable."""
    assert isinstance(node.value, dict)
    entries = node.value.items()
    return {key: plain(child) for key, child in entries if not isinstance(child.value, Unusable)}


def locate(root: Node, path: FieldPath) -> tuple[Node, bool]:
    """Return the node at `path`, or its nearest written ancestor, and whether it is the node itself."""
    node = root
    for part in path:
        child: Node | None = None
        if isinstance(node.value, dict):
            child = node.value.get(str(part))
        elif isinstance(node.value, list) and isinstance(part, int) and part < len(node.value):
            child = node.value[part]
        if child is None:
            return node, False
        node = child
    return node, True
