"""`bonus init`: options, questions, and what it refuses."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration.command_line import questions
from orchestration.command_line.app import app
from orchestration.command_line.questions import Given, answered
from orchestration.new_program.answers import AnswerError
from orchestration.terms.load import load_program

NOTHING = Given(None, None, [], None, None, None)


def test_options_are_taken_and_what_they_do_not_say_is_proposed(tmp_path: Path) -> None:
    folder = tmp_path / "Spring Bonus"
    done = CliRunner().invoke(
        app, ["init", str(folder), "--market", "FR", "--market", "JP", "--currency", "EUR",
              "--method", "pool", "--first", "2025-01"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    program = load_program(folder / "program.yaml").program
    assert program.program == "spring-bonus"
    assert list(program.markets) == ["FR", "JP"]
    assert len(program.periods) == 3
    assert done.stdout.splitlines()[-1] == (
        f"  bonus run 2025-01 --program '{folder}/program.yaml'"
        f" --landing '{folder}/example/landing' --home '{folder}/example/home'"
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--market", "US"], "several time zones"),
        (["--market", "FR=Mars/Olympus"], "'Mars/Olympus'"),
        (["--currency", "EURO"], "expected an ISO 4217 code"),
        (["--method", "both"], "expected rate"),
        (["--periods", "100"], "1 to 24"),
        (["--first", "soon"], "YYYY-MM"),
        (["--name", "a/b"], "program: found 'a/b'"),
        (["--name", "x\x1b[31m"], r"\u001b"),
    ],
)
def test_what_cannot_be_taken_is_refused_and_nothing_is_written(
    tmp_path: Path, options: list[str], said: str
) -> None:
    folder = tmp_path / "mine"
    done = CliRunner().invoke(app, ["init", str(folder), *options])
    assert done.exit_code == 2
    assert said in done.stderr and "\x1b" not in done.stderr
    assert not folder.exists()


def test_a_folder_that_has_something_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    (tmp_path / "kept").touch()
    done = CliRunner().invoke(app, ["init", str(tmp_path), "--method", "neither"])
    assert done.exit_code == 2
    assert "is not empty, and nothing is overwritten; name a folder that is new" in done.stderr


def test_a_terminal_is_asked_again_until_an_answer_can_be_taken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = ["", "fr, US", "FR US", "Mars", "America/Denver", "eur", "EUR", "pool", "2025-01", "2"]
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{answer}\n" for answer in typed)))
    found = answered(NOTHING, "mine", asks=True)
    assert (found.program, found.currency, found.method, found.periods) == (
        "mine",
        "EUR",
        "pool",
        2,
    )
    assert found.markets == {"FR": "Europe/Paris", "US": "America/Denver"}
    assert sys.stdin.read() == ""
    said = capsys.readouterr().out
    assert "write FR" in said and "write it in upper case" in said


def test_without_a_terminal_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "_asked", lambda *_: pytest.fail("asked"))
    assert answered(NOTHING, "mine", asks=False).currency == "USD"
    with pytest.raises(AnswerError):
        answered(Given("UPPER", None, [], None, None, None), "mine", asks=False)
