"""What is printed can be pasted: examples work on the sample, and next steps carry the places as given."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from orchestration.command_line.app import app
from orchestration.sample import write_sample
from orchestration.terms.load import load_program
from tests.conftest import ROOT

COMMANDS: dict[str, Any] = dict(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
EXAMPLES = {
    example: name
    for name, command in COMMANDS.items()
    for example in re.findall(r"Example: (bonus [^\n]+(?:\n {0,4}--[^\n]+)*)", command.help or "")
}


def test_every_command_has_an_example() -> None:
    assert set(EXAMPLES.values()) == set(COMMANDS)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.replace(" ", "_")[:50])
def test_an_example_names_periods_and_creators_of_the_sample(example: str) -> None:
    sample = load_program(ROOT / "programs" / "instagram-spring-bonus.yaml").program
    known = [period.key for period in sample.periods]
    words = shlex.split(example)
    assert words[1] == EXAMPLES[example]
    takes = [part.name for part in COMMANDS[words[1]].params if part.param_type_name == "argument"]
    if {"period", "periods"} & set(takes):
        periods = [word for word in words[2:] if re.fullmatch(r"\d{4}-\w+", word)]
        assert periods and set(periods) <= set(known)


def test_the_creator_of_the_example_is_in_the_sample(tmp_path: Path) -> None:
    (example,) = (text for text, name in EXAMPLES.items() if name == "explain")
    write_sample(tmp_path, creators=60, periods=1)
    assert (
        shlex.split(example)[3] in (tmp_path / "landing" / "creators" / "creators.csv").read_text()
    )


@pytest.mark.parametrize("known", [False, True], ids=["by options", "by the environment"])
def test_what_to_do_first_carries_the_places_as_they_were_given(
    known: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A home that is given absolute was left out: the process itself puts it into its environment."""
    landing, home = tmp_path / "my landing", tmp_path / "home"
    landing.mkdir()
    program = ROOT / "programs" / "instagram-spring-bonus.yaml"
    places = {"program": str(program), "landing": str(landing), "home": str(home)}
    options = "".join(f" --{name} {shlex.quote(place)}" for name, place in places.items())
    for name, place in places.items():
        if known:
            monkeypatch.setenv(f"BONUS_{name.upper()}", place)
        else:
            monkeypatch.delenv(f"BONUS_{name.upper()}", raising=False)
    monkeypatch.setenv("DAGSTER_HOME", "")
    for command in (
        ["report", "2024-04"],
        ["export", "2024-04", "--out", str(tmp_path / "out")],
        ["gates", "2024-04"],
        ["quarantine", "2024-04"],
        ["close", "2024-04", "--preview"],
    ):
        done = CliRunner().invoke(app, [*command, *([] if known else shlex.split(options))])
        assert done.exit_code == 4, done.output
        assert done.stderr.endswith(f"bonus run 2024-04{'' if known else options}\n")
        monkeypatch.delenv("BONUS_HOME") if not known else None
