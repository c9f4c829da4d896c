"""Loading a program file: bytes to a `Program`, or all that is wrong with it (contract §1)."""

import hashlib
import os
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final, Self

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from orchestration.foundations.files import NotRegular, read_regular_file
from orchestration.foundations.texts import nearest_name, shown
from orchestration.terms.draft import Draft, Finding, described
from orchestration.terms.model import BrokenRulesError, Program, UnknownKey
from orchestration.terms.problems import LONGEST_SHOWN, KeyPath, Problem
from orchestration.terms.rules import broken_rules
from orchestration.terms.values import Unfit
from orchestration.terms.yaml_reader import (
    MAX_BYTES,
    MappingNode,
    Node,
    Scalar,
    SequenceNode,
    read_yaml,
)

_EXPECTED: Final = {  # by pydantic's error types
    "model_type": "a mapping",
    "dict_type": "a mapping",
    "tuple_type": "a list",
}


class ProgramFileError(ValueError):
    """A program file that cannot be used; its text has one line for each problem."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class LoadedProgram:
    """A program with the bytes it was read from: those are what a run's fingerprint is taken of."""

    program: Program
    path: Path
    content: bytes
    sha256: str  # of content, hexadecimal

    @classmethod
    def of(cls, content: bytes, path: str | os.PathLike[str]) -> Self:
        """The program in these bytes, which were read at `path`; ProgramFileError as `load_program`."""
        program = parse_program(content, os.fspath(path))
        return cls(program, Path(path), content, hashlib.sha256(content).hexdigest())


def load_program(path: str | os.PathLike[str]) -> LoadedProgram:
    """The program in the file at `path`.

    ProgramFileError, with every problem of the file, if it cannot be read or is not a program.
    """
    return LoadedProgram.of(_read_file(path), path)


def parse_program(content: bytes, name: str) -> Program:
    """The program that the bytes of a file called `name` hold.

    ProgramFileError, with every problem of the file in the order of its lines, if they hold none.
    """
    try:
        return _parsed(content)
    except ProgramFileError as error:
        raise ProgramFileError(
            [replace(problem, file=name) for problem in error.problems]
        ) from None


@lru_cache(maxsize=16)  # a run asks for the same bytes a dozen times; a program is frozen
def _parsed(content: bytes) -> Program:
    """The same, of a file without a name."""
    root, problems = read_yaml(content, "")
    if root is None:
        raise ProgramFileError(problems)
    try:
        program = Program.model_validate(root)
    except ValidationError as error:
        findings = [*_field_findings(error), *broken_rules(Draft(root))]
        problems += [
            Problem("", finding.path, finding.found, finding.expected, _line(root, finding.path))
            for finding in findings
        ]
    if problems:
        raise ProgramFileError(sorted(problems, key=lambda problem: problem.line or 0))
    return program


def _read_file(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a regular file, one more than is allowed at most."""
    try:
        return read_regular_file(path, MAX_BYTES + 1)
    except NotRegular as error:
        found = str(error.strerror)
    except OSError as error:
        found = f"nothing to read ({error.strerror})"
    except ValueError as error:  # a path with a NUL or half a character in it
        found = f"nothing to read ({error})"
    raise ProgramFileError([Problem(os.fspath(path), (), found, "a program file")])


def _field_findings(error: ValidationError) -> list[Finding]:
    """Findings about single values of the file; the rules are asked apart, on the draft."""
    return [
        _field_finding(details)
        for details in error.errors(include_url=False)
        if not isinstance(details.get("ctx", {}).get("error"), BrokenRulesError)
    ]


def _field_finding(details: ErrorDetails) -> Finding:
    path, value = details["loc"], details["input"]
    cause = details.get("ctx", {}).get("error")
    # pydantic places an error in a key below the key. Values of a file are nodes, keys bare text.
    if path[-1:] == ("[key]",) and isinstance(value, str):
        path = path[:-1]
    if isinstance(cause, Unfit):
        return Finding(path, described(value), cause.expected)
    if isinstance(value, UnknownKey):
        near = nearest_name(str(path[-1]), value.known)
        hint = f"; perhaps {near}" if near else ""
        expected = f"one of the keys {', '.join(value.known)}{hint}"
        return Finding(path, f"the unknown key {shown(str(path[-1]), LONGEST_SHOWN)}", expected)
    if details["type"] == "missing":
        return Finding(path, "nothing", "this key, which is required")
    # A file without keys is no program file, and its text is not for whoever gave its name.
    is_text = not path and isinstance(value, Scalar)
    found = "a text without keys" if is_text else described(value)
    return Finding(path, found, _EXPECTED.get(details["type"], details["msg"]))


def _line(root: Node, path: KeyPath) -> int:
    """The line of the key or element at the path; if it is absent, of what should hold it."""
    node, line = root, root.line
    for step in path:
        if isinstance(node, MappingNode) and isinstance(step, str) and step in node:
            line = node.key_lines[step]
            node = node[step]
        elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node):
            node = node[step]
            line = node.line
        else:
            break
    return line
