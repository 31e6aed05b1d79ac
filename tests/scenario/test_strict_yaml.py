"""The strict reader: which scalars mean what, and what is refused where."""

from __future__ import annotations

import pytest

from drivesim.scenario.strict_yaml import MAX_BYTES, MAX_DEPTH, locate, parse, plain


def value_of(text: str) -> object:
    root, issues = parse(f"a: {text}".encode(), "f")
    assert issues == []
    assert root is not None
    entries = plain(root)
    assert isinstance(entries, dict)
    return entries["a"]


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-3", 0.001), ("1.", 1.0), (".5", 0.5), ("-3", -3), ("+7", 7), ("1E5", 1e5), ("0", 0)]
    + [("true", True), ("false", False), ("null", None), ("~", None), ("", None)]
    + [(word, word) for word in ("off", "on", "yes", "no", "True", "0x1f", "010", "1_000", "1:30", ".", "e5")]
    + [("'1'", "1"), ('"true"', "true"), ("2001-01-01", "2001-01-01"), ("[1, [2]]", [1, [2]])],
)
def test_a_scalar_means_what_it_looks_like(text: str, value: object) -> None:
    found = value_of(text)
    assert found == value
    assert type(found) is type(value)


REFUSED = {
    "a: 1\na: 2": (2, 1, "given twice, first in line 1"),
    "a: {b: 1, b: 2}": (1, 11, "given twice"),
    "a: &x 1\nb: *x": (2, 4, "an alias"),
    "a: &x 1": (1, 4, "an anchor"),
    "a: .nan": (1, 4, "finite"),
    "a: [1, -.inf]": (1, 8, "finite"),
    "a: 1e999": (1, 4, "finite"),
    "a: " + "9" * 19: (1, 4, "19 digits"),
    "a: !!int 3": (1, 4, "a tag"),
    "a: !thing {b: 1}": (1, 4, "a tag"),
    "a: 1\n---\nb: 2": (2, 1, "second document"),
    "a:\n\tb: 1": (2, 1, "a tab"),
    "a: \0": (1, 4, "U+0000"),
    'a: "x\\0"': (1, 4, "U+0000"),
    "? [1]\n: 2": (1, 3, "not a word"),
    "a: [1": (2, 1, "not YAML"),
    "a: b: c": (1, 5, "not YAML"),
    "<<: *x": (1, 5, "an alias"),
    "": (1, 1, "empty"),
    "# nothing": (1, 1, "empty"),
    "[1, 2]": (1, 1, "allowed: a mapping"),
    "word": (1, 1, "allowed: a mapping"),
    "%YAML 9.9\n---\na: 1": (1, 1, "not YAML"),
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_plain_is_refused_at_its_place(text: str) -> None:
    line, column, message = REFUSED[text]
    _, issues = parse(text.encode(), "f")
    found = [issue for issue in issues if message in issue.message]
    assert [(issue.file, issue.line, issue.column) for issue in found] == [("f", line, column)], issues


def test_bytes_that_are_not_utf8_are_refused_at_their_place() -> None:
    _, (issue,) = parse("é: 1\nb: ".encode() + b"\xff", "f")
    assert (issue.line, issue.column) == (2, 4)
    assert "0xff is not UTF-8" in issue.message


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    root, issues = parse("a: 1".encode("utf-8-sig"), "f")
    assert issues == []
    assert root is not None
    assert plain(root) == {"a": 1}


def test_nesting_ends_at_the_limit() -> None:
    assert parse(("a: " + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)).encode(), "f")[1] == []
    _, (issue,) = parse(("a: " + "[" * MAX_DEPTH + "]" * MAX_DEPTH).encode(), "f")
    assert "too deeply nested" in issue.message
    _, (issue,) = parse(b"[" * 500_000, "f")  # libyaml's own limit, since 0.2.6, is found before ours
    assert "too deeply nested" in issue.message


def test_size_and_number_of_values_are_limited() -> None:
    assert "too large" in parse(b" " * (MAX_BYTES + 1), "f")[1][0].message
    assert "too many values" in parse(b"a: [" + b"1," * 5000 + b"]", "f")[1][0].message


def test_all_issues_of_a_file_are_found_at_once() -> None:
    _, issues = parse(b"a: .nan\nb: &x 1\nb: 2\nc: !t 1\n", "f")
    assert [issue.line for issue in issues] == [1, 2, 3, 4]


def test_an_unusable_value_is_left_out_and_the_rest_kept() -> None:
    root, _ = parse(b"a: .nan\nb: 2\nc: [1, .nan]\n", "f")
    assert root is not None
    assert plain(root) == {"b": 2}


def test_locating_finds_the_value_or_its_nearest_ancestor() -> None:
    root, _ = parse(b"a:\n  b: [1, 22]\n", "f")
    assert root is not None
    node, itself = locate(root, ("a", "b", 1))
    assert (node.line, node.column, itself) == (2, 10, True)
    node, itself = locate(root, ("a", "missing", 3))
    assert (node.key_line, node.key_column, itself) == (1, 1, False)
