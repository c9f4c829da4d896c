"""YAML 1.2 as a tree of nodes: scalars as written, each with its line (contract §1).

Here is what holds for any YAML file we accept: size, encoding, one document, no anchors, aliases or
tags, no key twice, no endless nesting. What a scalar means is not decided here: `2024` is a text or
a number, depending on which of them the model expects at its place (`values`).

The tree is built from parser events, not by the library's composer and constructor: those resolve
aliases, guess types (an amount would be a float on the way) and recurse as deep as the file nests.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from orchestration.foundations.texts import shown
from orchestration.terms.problems import LONGEST_SHOWN, KeyPath, Problem

MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 20  # a program nests 7 deep: terms[0].payout.rates.US[0].up_to

_NULL = re.compile(r"null|Null|NULL|~|")
# The parser folds these as YAML 1.1 did; in YAML 1.2 they are characters like any other. Rather
# than let an id change on the way in, they must be written as escapes (\N, \L, \P).
_OLD_LINE_BREAKS = re.compile("[\u0085\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value as it stands in the file."""

    text: str
    is_plain: bool  # written without quotes and not as a block
    line: int
    span: tuple[int, int] = field(default=(0, 0), compare=False)
    """From which character of the text to which it stands."""

    @property
    def is_null(self) -> bool:
        """True if YAML 1.2 reads this as null: `null`, `~` or nothing at all, unquoted."""
        return self.is_plain and _NULL.fullmatch(self.text) is not None

    def __str__(self) -> str:
        """As the file has it, but for what escapes and folding have made of it."""
        return self.text if self.is_plain else f'"{self.text}"'


class SequenceNode(list["Node"]):
    """A list of nodes; `line` is where it begins."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line


class MappingNode(dict[str, "Node"]):
    """Nodes by key, in the order of the file; `line` is where it begins."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.key_lines: dict[str, int] = {}


Node = Scalar | SequenceNode | MappingNode


def read_yaml(content: bytes, file: str) -> tuple[Node | None, list[Problem]]:
    """The one document in `content`, and all that is wrong with it as YAML; never raises.

    The tree is None where the file could not be read to its end. With problems and a tree, the tree
    holds what the file says apart from them (of a repeated key the first, a tagged value untagged),
    so that a caller can look for further problems in it.
    """
    if len(content) > MAX_BYTES:
        found = f"more than {MAX_BYTES} bytes"
        return None, [Problem(file, (), found, f"at most {MAX_BYTES} bytes")]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"the byte 0x{content[error.start]:02x}"
        return None, [Problem(file, (), found, "text in UTF-8", line)]
    builder = _Builder(file)
    builder.refuse_old_line_breaks(text)
    try:
        for event in _events(text):
            builder.take(event)
    except _Unreadable as stop:
        last = Problem(file, (), stop.found, stop.expected, stop.line, stop.column)
        return None, [*builder.problems, last]
    if builder.root is None:
        builder.problems.append(Problem(file, (), "no document", "one document"))
    return builder.root, builder.problems


class _Unreadable(Exception):
    """The rest of the file cannot be read."""

    def __init__(self, found: str, expected: str, line: int, column: int | None = None) -> None:
        super().__init__(found)
        self.found, self.expected, self.line, self.column = found, expected, line, column


def _events(text: str) -> Iterator[Event]:
    """The parser's events, one at a time, so that the builder can stop it early."""
    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = f"a syntax error ({shown(str(error.problem or error.context), LONGEST_SHOWN)})"
        raise _Unreadable(what, "YAML 1.2", mark.line + 1, mark.column + 1) from error
    except ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        what = f"the character U+{ord(text[error.position]):04X}"
        raise _Unreadable(what, "text that YAML allows", line, column) from error
    except Exception as error:
        # The parser itself breaks on some input: "\U99999999" is an OverflowError in it, the
        # directive %YAML 1.3 an AssertionError. It is the file that is wrong, so the file is named.
        what = f"something that the YAML parser cannot read ({shown(str(error), LONGEST_SHOWN)})"
        raise _Unreadable(what, "YAML 1.2", 1) from error


@dataclass(slots=True)
class _Key:
    text: str
    line: int
    is_kept: bool  # False: refused or repeated, so its value goes nowhere


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet."""

    node: SequenceNode | MappingNode
    path: KeyPath
    key: _Key | None = None  # of a mapping: the key that waits for its value


def _span(event: Event) -> tuple[int, int]:
    return event.start_mark.index, event.end_mark.index


class _Builder:
    """Puts events together to nodes, with a stack of its own: depth costs no recursion."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._open: list[_Open] = []
        self._documents = 0

    def take(self, event: Event) -> None:
        line = event.start_mark.line + 1
        match event:
            case DocumentStartEvent():
                self._start_document(event, line)
            case AliasEvent():
                # A stand-in keeps the value's place; the problem below keeps the file from use.
                path = self._place(Scalar(f"*{event.anchor}", is_plain=True, line=line))
                self._refuse(path, line, f"the alias *{event.anchor}", "the value itself")
            case ScalarEvent():
                text = event.value.encode("utf-8", "replace").decode("utf-8")
                path = self._place(Scalar(text, not event.style, line, _span(event)))
                self._check_properties(event, path, line)
                if text != event.value:  # "\ud800" is half a character
                    self._refuse(path, line, event.value, "text without surrogate escapes")
            case SequenceStartEvent():
                self._start(event, SequenceNode(line))
            case MappingStartEvent():
                self._start(event, MappingNode(line))
            case SequenceEndEvent() | MappingEndEvent():
                self._open.pop()

    def refuse_old_line_breaks(self, text: str) -> None:
        for match in _OLD_LINE_BREAKS.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found = f"the character U+{ord(match.group()):04X}"
            self._refuse((), line, found, "LF or CRLF, or in quotes an escape, as line break")

    def _start_document(self, event: DocumentStartEvent, line: int) -> None:
        self._documents += 1
        if self._documents > 1:
            raise _Unreadable("a second document", "one document", line)
        if event.version not in (None, (1, 2)):
            found = ".".join(str(number) for number in event.version)
            self._refuse((), line, f"%YAML {found}", "YAML 1.2")

    def _start(self, event: NodeEvent, node: SequenceNode | MappingNode) -> None:
        path = self._place(node)
        self._check_properties(event, path, node.line)
        if len(self._open) == MAX_DEPTH:
            raise _Unreadable("deeper nesting", f"at most {MAX_DEPTH} levels", node.line)
        self._open.append(_Open(node, path))

    def _place(self, node: Node) -> KeyPath:
        """Puts the node where the file has it, and says where that is; of a key, its mapping."""
        if not self._open:
            self.root = node
            return ()
        parent = self._open[-1]
        if isinstance(parent.node, SequenceNode):
            parent.node.append(node)
            return (*parent.path, len(parent.node) - 1)
        if parent.key is None:
            parent.key = self._read_key(node, parent.node, parent.path)
            return parent.path
        key, parent.key = parent.key, None
        if key.is_kept:
            parent.node[key.text] = node
            parent.node.key_lines[key.text] = key.line
        return (*parent.path, key.text)

    def _read_key(self, node: Node, mapping: MappingNode, path: KeyPath) -> _Key:
        if not isinstance(node, Scalar):
            what = "a list" if isinstance(node, SequenceNode) else "a mapping"
            self._refuse(path, node.line, f"{what} as a key", "text as a key")
            return _Key("?", node.line, is_kept=False)
        if node.is_null:
            self._refuse(path, node.line, "null as a key", 'text as a key ("null" if that is it)')
            return _Key("null", node.line, is_kept=False)
        if node.text in mapping:
            found = f"the key again (first on line {mapping.key_lines[node.text]})"
            self._refuse((*path, node.text), node.line, found, "each key once")
            return _Key(node.text, node.line, is_kept=False)
        return _Key(node.text, node.line, is_kept=True)

    def _check_properties(self, event: Any, path: KeyPath, line: int) -> None:
        if event.anchor is not None:
            self._refuse(path, line, f"the anchor &{event.anchor}", "no anchors")
        if event.tag is not None:
            self._refuse(path, line, f"the tag {event.tag}", "no tags")

    def _refuse(self, path: KeyPath, line: int, found: str, expected: str) -> None:
        self.problems.append(Problem(self.file, path, shown(found, LONGEST_SHOWN), expected, line))
