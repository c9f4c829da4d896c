"""Mistakes as SARIF 2.1.0, the form in which CI systems take the findings of a tool."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from orchestration.checking.mistakes import Checked, Mistake
from orchestration.terms.problems import Problem, key_path

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_TEXT_SUFFIXES: Final = (".csv", ".jsonl")  # only of these a row number is a line that one can open


def sarif_of(checked: Checked) -> dict[str, Any]:
    """The findings of a check; files are relative to the landing directory."""
    return _log([_result(mistake) for mistake in checked.mistakes])


def sarif_of_program(problems: Sequence[Problem]) -> dict[str, Any]:
    """The mistakes in a program file."""
    return _log(
        [
            {
                "ruleId": "PROGRAM_FILE",
                "level": "error",
                "message": {
                    "text": f"{key_path(problem.path) or 'the file'}: found {problem.found},"
                    f" expected {problem.expected}"
                },
                "locations": [_location(problem.file, problem.line)],
            }
            for problem in problems
        ]
    )


def _log(results: list[dict[str, Any]]) -> dict[str, Any]:
    rules = _rules(result["ruleId"] for result in results)
    driver = {"name": "bonus check", "rules": rules}
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }


def _rules(names: Iterable[str]) -> list[dict[str, str]]:
    return [{"id": name} for name in sorted(set(names))]


def _result(mistake: Mistake) -> dict[str, Any]:
    text = f"{mistake.column}: {mistake.said}" if mistake.column else mistake.said
    place = mistake.file or mistake.dataset
    locations = [_location(place, _line(mistake))] if place else []
    return {
        "ruleId": mistake.rule,
        "level": mistake.severity,
        "message": {"text": text},
        "locations": locations,
    }


def _line(mistake: Mistake) -> int | None:
    is_text = mistake.file is not None and mistake.file.endswith(_TEXT_SUFFIXES)
    return mistake.line if is_text else None


def _location(file: str, line: int | None) -> dict[str, Any]:
    uri = Path(file).as_uri() if Path(file).is_absolute() else quote(file)
    place: dict[str, Any] = {"artifactLocation": {"uri": uri}}
    if line is not None:
        place["region"] = {"startLine": line}
    return {"physicalLocation": place}
