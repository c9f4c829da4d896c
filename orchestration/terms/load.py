"""A program file -> a `Program`, or everything that is wrong with it (contract §1)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from orchestration.terms import model
from orchestration.terms.model import Program
from orchestration.terms.problems import KeyPath, Problem, shown
from orchestration.terms.rules import Parts, findings
from orchestration.terms.yaml_reader import (
    MAX_BYTES,
    MappingNode,
    Node,
    Scalar,
    SequenceNode,
    read_yaml,
)

_LISTS = {"periods": model.Period, "terms": model.TermsVersion, "withholding": model.WithholdingRule}


class ProgramFileError(ValueError):
    """A program file that cannot be used; says every problem, one on a line."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))


@dataclass(frozen=True, slots=True)
class LoadedProgram:
    """A program, the file it came from, the file's bytes and their SHA-256."""

    program: Program
    path: Path
    content: bytes
    sha256: str


def load_program(path: Path) -> LoadedProgram:
    """Reads and validates a program file; ProgramFileError with all problems."""
    content = _read(path)
    return LoadedProgram(
        parse_program(content, str(path)), path, content, hashlib.sha256(content).hexdigest()
    )


def parse_program(content: bytes, name: str) -> Program:
    """The program in `content`; `name` is what problems call the file."""
    root, problems = read_yaml(content, name)
    if not isinstance(root, MappingNode):
        if not problems:
            problems.append(Problem(name, (), "no keys", "a program: keys with values"))
        raise ProgramFileError(problems)
    reader = _Reader(name, root)
    program = reader.program()
    problems += reader.problems
    if problems or program is None:
        raise ProgramFileError(problems)
    return program


def _read(path: Path) -> bytes:
    try:
        if not path.is_file():  # a pipe or a device could block or never end
            found = "no such file" if not path.exists() else "no regular file"
            raise ProgramFileError([Problem(str(path), (), found, "a program file, in YAML")])
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, ProgramFileError):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise ProgramFileError(
            [Problem(str(path), (), shown(reason), "a readable program file")]
        ) from None


class _Reader:
    """Reads the parts of a program one by one, so that all problems are found at once."""

    def __init__(self, file: str, root: MappingNode) -> None:
        self._file = file
        self._root = root
        self.problems: list[Problem] = []

    def program(self) -> Program | None:
        values: dict[str, Any] = {}
        for name, field in Program.model_fields.items():
            node = self._root.get(name)
            is_null = isinstance(node, Scalar) and node.is_null
            if node is None or (is_null and not field.is_required()):
                if field.is_required():
                    self._refuse((name,), "nothing", "this key", node)
                continue
            if name in _LISTS and isinstance(node, SequenceNode):
                values[name] = tuple(
                    self._value(_LISTS[name], item, (name, number))
                    for number, item in enumerate(node)
                )
            else:
                annotation = Program.__annotations__[name]
                kind = _annotation(annotation)
                values[name] = self._value(kind, node, (name,))
        for key in self._root:
            if key not in Program.model_fields:
                self._refuse((key,), shown(key), f"one of {', '.join(Program.model_fields)}", None)
        parts = Parts(**{name: values.get(name) for name in Parts.__dataclass_fields__})
        for path, found, expected in findings(parts):
            self._refuse(path, shown(found), expected, None)
        return None if self.problems else Program(**values)

    def _value(self, kind: Any, node: Node, path: KeyPath) -> Any:
        """The typed value, or None with its problems noted."""
        try:
            return TypeAdapter(kind).validate_python(node)
        except ValidationError as error:
            for found in self._distinct(error, path):
                self.problems.append(found)
            return None

    def _distinct(self, error: ValidationError, path: KeyPath) -> Iterator[Problem]:
        seen: set[str] = set()
        for entry in error.errors(include_url=False):
            place = (*path, *(_real(step) for step in entry["loc"] if step != "[key]"))
            node = _node_at(self._root, place)
            kind = entry["type"]
            if kind == "extra_forbidden":
                found, expected = shown(str(place[-1])), "a key that is known here; remove it"
            elif kind == "missing":
                found, expected = "nothing", "this key"
            else:
                found = _found(node)
                expected = str(entry["msg"]).removeprefix("Value error, ").removeprefix("expected ")
            problem = Problem(self._file, place, found, expected, self._line(place))
            if str(problem) not in seen:
                seen.add(str(problem))
                yield problem

    def _refuse(self, path: KeyPath, found: str, expected: str, _: Node | None) -> None:
        self.problems.append(Problem(self._file, path, found, expected, self._line(path)))

    def _line(self, path: KeyPath) -> int | None:
        """The line of the value at `path`, or of the nearest one that holds it."""
        for length in range(len(path), 0, -1):
            node = _node_at(self._root, path[:length])
            if node is not None:
                return node.line
            parent = _node_at(self._root, path[: length - 1])
            if isinstance(parent, MappingNode) and path[length - 1] in parent.key_lines:
                return parent.key_lines[str(path[length - 1])]
        return self._root.line


def _annotation(annotation: Any) -> Any:
    """The type of a field; annotations are text since the model postpones them."""
    return eval(annotation, vars(model)) if isinstance(annotation, str) else annotation  # noqa: S307


def _real(step: str | int) -> str | int:
    return step


def _node_at(root: Node, path: KeyPath) -> Node | None:
    node: Node | None = root
    for step in path:
        if isinstance(node, Mapping) and step in node:
            node = node[str(step)]
        elif isinstance(node, list) and isinstance(step, int) and step < len(node):
            node = node[step]
        else:
            return None
    return node


def _found(node: Node | None) -> str:
    if node is None:
        return "nothing"
    if isinstance(node, Scalar):
        return shown(str(node)) or "nothing"
    return "keys with values" if isinstance(node, MappingNode) else f"a list of {len(node)}"
