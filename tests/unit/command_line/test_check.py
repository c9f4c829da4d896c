"""`bonus check`: what it prints, its forms for machines, and its statuses (contract §10)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration.command_line.app import app
from tests.unit.checking.test_check import Place, demand_sarif


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def check(place: Place, *options: str) -> tuple[int, str]:
    program, landing = place.program.path, place.landing
    done = CliRunner().invoke(
        app, ["check", *options, "--program", str(program), "--landing", str(landing)]
    )
    return done.exit_code, done.output


def test_what_is_whole(place: Place, tmp_path: Path) -> None:
    status, said = check(place, "--home", str(tmp_path / "home"))
    assert status == 0
    assert said.endswith("errors: 0; warnings: 0\n")
    assert "no activated_at in 1 of 1 files: no deal is activated" in said
    assert not (tmp_path / "home").exists()


def test_a_mistake_blocks_and_is_told_with_its_place(place: Place) -> None:
    place.write("posts/b.csv", (place.landing / "posts/a.csv").read_text().replace("true", "yes"))
    status, said = check(place)
    assert status == 3
    assert (
        "posts/b.csv:2:is_original: error: UNPARSEABLE: found yes, expected true or false; perhaps true"
        in said
    )
    assert said.endswith("errors: 1; warnings: 0\n")


def test_a_warning_blocks_nothing(place: Place) -> None:
    place.write("notes.txt", "x")
    status, said = check(place)
    assert status == 0 and "warning: nothing_was_passed_over" in said


def test_no_more_than_asked_for_are_printed(place: Place) -> None:
    place.write(
        "creators/b.csv", "creator_id,account_type,market,updated_at\n" + "c2,x,US,y\n" * 30
    )
    _, said = check(place, "--limit", "5")
    assert said.count("creators/b.csv:") == 5
    assert "and 55 more mistakes; see them with --limit 0" in said
    _, said = check(place, "--limit", "0")
    assert said.count("creators/b.csv:") == 60


def test_what_was_delivered_cannot_command_a_terminal(place: Place) -> None:
    place.write("payees/b.csv", "creator_id,payout_currency,tax_residence,status,updated_at\n"
                "c2,\x1b[31m[red],US,ready,2024-01-01T00:00:00Z\n")  # fmt: skip
    _, said = check(place)
    assert "\x1b" not in said and "\\u001b[31m[red]" in said


def test_json(place: Place) -> None:
    place.write("creators/b.csv", "creator_id,account_type,market,updated_at\nc2,x,US,y\n")
    status, said = check(place, "creators", "--json")
    found = json.loads(said)
    assert (status, found["errors"], found["warnings"]) == (3, 2, 0)
    assert [row["dataset"] for row in found["datasets"]] == ["creators"]
    assert found["mistakes"][0]["found"] == "x" and found["mistakes"][0]["line"] == 2


def test_sarif_of_data_and_of_a_program_file(place: Place, tmp_path: Path) -> None:
    out = tmp_path / "found.sarif"
    place.write("creators/b.csv", "creator_id\n")
    assert check(place, "--sarif", str(out))[0] == 3
    log = json.loads(out.read_text())
    demand_sarif(log)
    assert {each["ruleId"] for each in log["runs"][0]["results"]} == {"MISSING_COLUMN"}
    place.program.path.write_text(place.program.path.read_text().replace("USD", "XXX"))
    status, said = check(place, "--sarif", str(out))
    assert status == 2 and "currency: found XXX" in said
    log = json.loads(out.read_text())
    demand_sarif(log)
    (result, *_) = log["runs"][0]["results"]
    assert (result["ruleId"], result["level"]) == ("PROGRAM_FILE", "error")
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 3}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["metrics"], "there is no dataset 'metrics'; there are creators, payees"),
        (["metrics"], "payment_returns; perhaps post_metrics"),
    ],
    ids=["names", "nearest"],
)
def test_an_unknown_dataset(place: Place, options: list[str], said: str) -> None:
    status, output = check(place, *options)
    assert status == 2 and said in output


def test_no_landing_directory(place: Place) -> None:
    done = CliRunner().invoke(
        app, ["check", "--program", str(place.program.path), "--landing", "nowhere"]
    )
    assert done.exit_code == 2 and "nowhere is no directory" in done.output
