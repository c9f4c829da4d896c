"""Single values of a program file, set by their paths (`bonus simulate --set`), in the file's own text.

The path is that of §11: `terms[0].payout.rates.US[0].rate`, other keys as `["..."]`. All that is not
set stays as it is written, comments too. The result is read as any program file, by all its rules.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from orchestration.foundations.texts import nearest_name
from orchestration.terms.load import LoadedProgram, parse_program
from orchestration.terms.problems import KeyPath, key_path
from orchestration.terms.yaml_reader import MappingNode, Node, Scalar, SequenceNode, read_yaml

_STEP: Final = re.compile(
    r"""(?P<dot>\.?)(?P<key>[A-Za-z0-9_-]+)|\[(?P<place>[0-9]{1,6})\]|\[(?P<text>"(?:[^"\\]|\\.)*")\]"""
)
# Nothing that begins or ends anything in YAML: a value cannot become two, or a list.
_VALUE: Final = re.compile(r"[A-Za-z0-9_.+/][A-Za-z0-9_.+/-]*|-[0-9.]+")


class SettingError(ValueError):
    """A setting that cannot be made; says what was found and what was expected."""


def with_settings(loaded: LoadedProgram, settings: Iterable[str]) -> LoadedProgram:
    """The program whose file has these values, each `PATH=VALUE`, instead of its own.

    SettingError for a path that leads to no single value of the file, or is given twice;
    ProgramFileError if the file is no program with these values.
    """
    root, _ = read_yaml(loaded.content, str(loaded.path))
    assert root is not None  # it was loaded
    spans: dict[tuple[int, int], str] = {}
    for setting in settings:
        path, value = _parsed(setting)
        found = _scalar(root, path, setting)
        if found.span in spans:
            raise SettingError(f"--set {setting}: {key_path(path)} is set twice; set it once")
        spans[found.span] = value
    text = loaded.content.decode("utf-8-sig")
    for (start, end), value in sorted(spans.items(), reverse=True):
        written = text[start:end].rstrip()  # a block ends with the line
        text = text[:start] + value + text[start + len(written) :]
    content = text.encode()
    return replace(
        loaded,
        program=parse_program(content, str(loaded.path)),
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _parsed(setting: str) -> tuple[KeyPath, str]:
    """Path and value."""
    path: list[str | int] = []
    at = 0
    while (step := _STEP.match(setting, at)) and (
        step["key"] is None or bool(step["dot"]) == bool(path)
    ):
        path.append(_step(step, setting))
        at = step.end()
    if not path or setting[at : at + 1] != "=":
        raise SettingError(
            f"--set {setting}: found {setting[at : at + 20]!r} after {setting[:at]!r}, expected "
            "PATH=VALUE, as in terms[0].payout.rates.US[0].rate=0.18"
        )
    value = setting[at + 1 :]
    if not _VALUE.fullmatch(value):
        raise SettingError(
            f"--set {setting}: found the value {value!r}, expected one number, day or word; for "
            "anything else give a file with --with"
        )
    return tuple(path), value


def _step(step: re.Match[str], setting: str) -> str | int:
    if step["place"] is not None:
        return int(step["place"])
    if step["key"] is not None:
        return step["key"]
    try:
        return str(json.loads(step["text"]))
    except ValueError:
        raise SettingError(
            f"--set {setting}: found {step['text']}, expected a key as JSON writes it"
        ) from None


def _scalar(root: Node, path: KeyPath, setting: str) -> Scalar:
    """The single value at a path."""
    node = root
    for number, step in enumerate(path):
        where = key_path(path[:number]) or "the file"
        if isinstance(step, int):
            if not isinstance(node, SequenceNode) or step >= len(node):
                has = f"{len(node)} entries" if isinstance(node, SequenceNode) else "no list"
                raise SettingError(f"--set {setting}: there is no [{step}], {where} has {has}")
            node = node[step]
        else:
            if not isinstance(node, MappingNode) or step not in node:
                raise SettingError(
                    f"--set {setting}: {where} has no key {step!r}{_hint(node, step)}"
                )
            node = node[step]
    if not isinstance(node, Scalar):
        what = "a list" if isinstance(node, SequenceNode) else "a mapping"
        raise SettingError(
            f"--set {setting}: {key_path(path)} is {what}, expected a single value; name one in "
            "it, or give a file with --with"
        )
    if node.span[0] == node.span[1]:
        raise SettingError(
            f"--set {setting}: nothing is written at {key_path(path)}, expected a value to take the "
            "place of; write null there, or give a file with --with"
        )
    return node


def _hint(node: Node, key: str) -> str:
    if not isinstance(node, MappingNode):
        return ""
    near = nearest_name(key, node)
    if near:
        return f"; perhaps {near}"
    return f"; its keys: {', '.join(node)}. A key that is not there yet takes a file with --with"
