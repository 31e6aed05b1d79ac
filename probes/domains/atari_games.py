"""The games and targets of the paper's figures, read from `atari_games.yaml` beside this file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path

from drivesim.scenario.strict_yaml import Node, parse, plain
from probes.agent import ProbeError
from probes.synthesis.targets import ACTION_PREFIX, OF_CRITIC

SHIPPED = Path(__file__).with_suffix(".yaml")
STATE_TARGETS = (*OF_CRITIC, "T±")
"""Targets of the paper that are not an action's."""
_DIRECTIONS = ("", "up", "right", "left", "down", "upright", "upleft", "downright", "downleft")
ACTIONS = ("noop", *_DIRECTIONS[1:], *(f"{direction}fire" for direction in _DIRECTIONS))
"""All that the emulator knows; a game has some of them."""
FIGURES = (*(f"1{letter}" for letter in "abcdefghi"), *map(str, range(9, 54)))
"""Every picture of the paper that shows a game and names its target."""


@dataclass(frozen=True)
class GameFigure:
    """One picture of the paper."""

    figure: str
    """Its number; of Fig. 1 with the panel's letter."""
    title: str
    """The game as the caption spells it."""
    game: str
    """As the emulator names it."""
    caption: str
    """The target as the caption spells it."""
    target: str
    """As `probes.synthesis.targets.resolve` takes it."""
    shows: str = ""
    """What the caption says one sees, of the panels of Fig. 1."""
    note: str = ""
    """Why the target is not what the caption seems to say."""

    @property
    def action(self) -> str | None:
        """The action that the target is about, if it is."""
        is_action = self.target.startswith(ACTION_PREFIX)
        return self.target.removeprefix(ACTION_PREFIX) if is_action else None


@dataclass(frozen=True)
class GameList:
    """The paper's pictures of games."""

    figures: tuple[GameFigure, ...]
    """In the paper's order."""
    lost: tuple[str, ...]
    """Numbers of the figures whose captions cannot be read."""

    @property
    def games(self) -> tuple[str, ...]:
        """The games, once each, in order of appearance."""
        return tuple(dict.fromkeys(figure.game for figure in self.figures))


def _hint(word: object, known: Sequence[str]) -> str:
    near = get_close_matches(str(word)[:64], known, 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _fail(node: Node, path: str, message: str) -> ProbeError:
    return ProbeError(f"{node.file}:{node.line}:{node.column}: {path}: {message}")


def load_games(path: Path = SHIPPED, action_names: Callable[[str], Sequence[str]] | None = None) -> GameList:
    """Read a list of games.

    Args:
        path: of the YAML file.
        action_names: gives a game's actions, such as `probes.domains.atari.action_names`; where given, each
            game must be one that it knows, and each action one of its game's.

    Raises:
        ProbeError: it cannot be read or is not valid; the message names line, figure and nearest spelling.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ProbeError(f"{path}: cannot be read: {error.strerror}") from error
    root, issues = parse(content, path.name)
    if root is None or issues:
        raise ProbeError("\n".join(map(str, issues)))
    parts = _section(root, "-", ("figures", "lost"), ("figures", "lost"))
    lost = tuple(_lost(node) for node in _items(parts["lost"], "lost"))
    figures = tuple(_figures(parts["figures"], action_names))
    _check_complete(root, figures, lost)
    return GameList(figures, lost)


def _section(node: Node, path: str, known: Sequence[str], needed: Sequence[str]) -> dict[str, Node]:
    """Return the entries of a mapping that has all it needs and no key that is unknown."""
    if not isinstance(node.value, dict):
        raise _fail(node, path, f"found {plain(node)!r:.60}, allowed is a mapping with {', '.join(known)}")
    for key, child in node.value.items():
        if key not in known:
            place = f"{node.file}:{child.key_line}:{child.key_column}: {path}"
            raise ProbeError(
                f"{place}: unknown key {key!r}: allowed are {', '.join(known)}{_hint(key, known)}"
            )
    missing = [key for key in needed if key not in node.value]
    if missing:
        raise _fail(node, path, f"lacks {', '.join(missing)}")
    return node.value


def _items(node: Node, path: str) -> list[Node]:
    if not isinstance(node.value, list):
        raise _fail(node, path, f"found {plain(node)!r:.60}, allowed is a list")
    return node.value


def _text(node: Node, path: str) -> str:
    if not isinstance(node.value, str) or not node.value.strip():
        raise _fail(node, path, f"found {plain(node)!r:.60}, allowed is a text (numbers in quotes)")
    return node.value


def _lost(node: Node) -> str:
    figure = _text(node, "lost")
    if figure not in FIGURES:
        raise _fail(node, "lost", f"found {figure!r}, allowed are 1a to 1i and 9 to 53")
    return figure


def _figures(node: Node, action_names: Callable[[str], Sequence[str]] | None) -> Iterator[GameFigure]:
    known = [field.name for field in fields(GameFigure)]
    needed = known[:5]
    seen: dict[str, int] = {}
    for index, item in enumerate(_items(node, "figures")):
        entries = _section(item, f"figures.{index}", known, needed)
        figure = _text(entries["figure"], f"figures.{index}.figure")
        path = f"figure {figure}"
        if figure not in FIGURES:
            raise _fail(entries["figure"], path, "no such figure: allowed are 1a to 1i and 9 to 53")
        if figure in seen:
            raise _fail(entries["figure"], path, f"given twice, first in line {seen[figure]}")
        seen[figure] = item.line
        found = GameFigure(**{key: _text(child, f"{path}: {key}") for key, child in entries.items()})
        _check_target(found, entries, path, action_names)
        yield found


def _check_target(
    found: GameFigure,
    entries: dict[str, Node],
    path: str,
    action_names: Callable[[str], Sequence[str]] | None,
) -> None:
    """Require a target of the paper, and of the game where that can be asked."""
    allowed: Sequence[str] = ACTIONS
    if action_names is not None:
        try:
            allowed = action_names(found.game)
        except ProbeError as error:
            raise _fail(entries["game"], f"{path}: game", str(error)) from error
    targets = [*STATE_TARGETS, *(ACTION_PREFIX + action for action in allowed)]
    if found.target not in targets:
        hint = _hint(found.target, targets)
        message = f"unknown target {found.target!r}: allowed are {', '.join(targets)}{hint}"
        raise _fail(entries["target"], f"{path}: target", message)


def _check_complete(root: Node, figures: Sequence[GameFigure], lost: Sequence[str]) -> None:
    """Require that every figure is either told or lost."""
    told = [figure.figure for figure in figures]
    for number in FIGURES:
        if (number in told) + lost.count(number) != 1:
            found = "neither told nor lost" if number not in [*told, *lost] else "told or lost more than once"
            raise _fail(root, f"figure {number}", f"{found}; allowed is one of them, once")
