"""Damaged scenario files, to measure that the loader is quick and fails with its own error only."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

TOKENS = (
    *(
        "",
        "~",
        "null",
        "true",
        "off",
        "Yes",
        "0",
        "-1",
        "1e-3",
        "1e999",
        ".nan",
        "-.inf",
        "010",
        "0x1F",
        "1_000",
    ),
    *("9" * 400, "1.", ".", "-", "[]", "{}", "[1, 2, 3]", "{uniform: [5, 1]}", "{normal: [1, -1]}"),
    *(
        "{choice: []}",
        "{uniform: [.inf, 1]}",
        "{unifrom: [0, 1]}",
        "&a 1",
        "*a",
        "!!int 3",
        "!!python/name:os",
    ),
    *('"\\0"', "'", '"', "|", ">", "<<: *a", "? x", "[[[[", "}" * 3, "# x", "%YAML 1.1", "@", "`", "a: b: c"),
    *(
        "{" * 40,
        "[" * 5000,
        "x" * 5000,
        "\t",
        "--- ",
        "...",
        "continuous",
        "reasonable",
        "../x.yaml",
        "é",
        "🚗",
    ),
)
"""What a value or a line is replaced by."""


def _replace_value(lines: list[str], rng: random.Random) -> None:
    index = rng.randrange(len(lines))
    key, colon, _ = lines[index].partition(":")
    lines[index] = f"{key}{colon} {rng.choice(TOKENS)}"


def _misspell(lines: list[str], rng: random.Random) -> None:
    index = rng.randrange(len(lines))
    line = lines[index]
    if len(line) > 1:
        place = rng.randrange(len(line) - 1)
        lines[index] = line[:place] + line[place + 1] + line[place] + line[place + 2 :]


def _delete_line(lines: list[str], rng: random.Random) -> None:
    del lines[rng.randrange(len(lines))]


def _repeat_line(lines: list[str], rng: random.Random) -> None:
    lines.insert(rng.randrange(len(lines)), rng.choice(lines))


def _indent(lines: list[str], rng: random.Random) -> None:
    index = rng.randrange(len(lines))
    lines[index] = " " * rng.randrange(8) + lines[index].lstrip()


def _insert_token(lines: list[str], rng: random.Random) -> None:
    index = rng.randrange(len(lines))
    place = rng.randrange(len(lines[index]) + 1)
    lines[index] = lines[index][:place] + rng.choice(TOKENS) + lines[index][place:]


def _nest(lines: list[str], rng: random.Random) -> None:
    depth = rng.randrange(1, 60)
    lines.insert(rng.randrange(len(lines)), f"key{depth}: {'{a: ' * depth}1{'}' * depth}")


def _many_keys(lines: list[str], rng: random.Random) -> None:
    place = rng.randrange(len(lines))
    lines[place:place] = [f"  key{index}: {index}" for index in range(rng.randrange(300))]


OPERATORS: tuple[Callable[[list[str], random.Random], None], ...] = (
    _replace_value,
    _replace_value,
    _misspell,
    _delete_line,
    _repeat_line,
    _indent,
    _insert_token,
    _nest,
    _many_keys,
)


def _damage_bytes(content: bytes, rng: random.Random) -> bytes:
    """Overwrite a few bytes, or cut the file."""
    if rng.random() < 0.3:
        return content[: rng.randrange(len(content) + 1)]
    damaged = bytearray(content)
    for _ in range(rng.randrange(1, 6)):
        if damaged:
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
    return bytes(damaged)


def mutations(text: str, count: int, seed: int) -> Iterator[bytes]:
    """Damage a scenario file in many ways.

    Args:
        text: a valid file.
        count: how many to make.
        seed: the same seed makes the same files.

    Yields:
        The bytes of `count` files, most of them invalid.
    """
    for index in range(count):
        rng = random.Random(f"{seed}-{index}")
        lines = text.splitlines()
        for _ in range(rng.randrange(1, 5)):
            rng.choice(OPERATORS)(lines, rng)
            lines = lines or [""]
        content = "\n".join(lines).encode()
        yield _damage_bytes(content, rng) if rng.random() < 0.2 else content
