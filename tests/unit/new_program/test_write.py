"""The folder of a new program: valid whatever was answered, and nothing is overwritten."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from orchestration.ingest.datasets import DATASET_NAMES, DATASETS
from orchestration.new_program.answers import Answers, Method, read_markets
from orchestration.new_program.example import example_rows
from orchestration.new_program.program_text import program_text
from orchestration.new_program.write import Occupied, write_program
from orchestration.terms.currencies import CURRENT_CURRENCIES
from orchestration.terms.load import load_program, parse_program

MARKETS = {"FR": "Europe/Paris", "US": "America/Los_Angeles"}


def made(
    method: Method = "rate", currency: str = "EUR", markets: dict[str, str] | None = None
) -> Answers:
    return Answers("mine", currency, markets or MARKETS, method, date(2025, 1, 1), 2)


@pytest.mark.parametrize("method", ["rate", "pool"])
@pytest.mark.parametrize("currency", CURRENT_CURRENCIES)
def test_a_program_in_any_currency_is_valid_and_says_what_was_answered(
    method: Method, currency: str
) -> None:
    program = parse_program(program_text(made(method, currency)).encode(), "program.yaml")
    assert (program.program, program.currency) == ("mine", currency)
    assert {code: market.timezone for code, market in program.markets.items()} == MARKETS
    assert [period.key for period in program.periods] == ["2025-01", "2025-02"]
    assert program.terms[0].payout.method == method
    assert currency in program.minimum_payout


@pytest.mark.parametrize("code", ["NO", "nul", "true", "y", "a-b_c", "e1"])
def test_codes_that_yaml_could_misread_are_markets(code: str) -> None:
    markets = read_markets([f"{code}=UTC"])
    program = parse_program(program_text(made(markets=markets)).encode(), "program.yaml")
    assert list(program.markets) == [code]
    assert program.terms[0].eligibility.markets == (code,)


def test_the_most_markets_and_periods_are_valid() -> None:
    markets = {f"{'m' * 38}{number:02}": "America/Argentina/ComodRivadavia" for number in range(60)}
    answers = Answers("mine", "EUR", markets, "rate", date(2099, 12, 1), 24)
    assert len(parse_program(program_text(answers).encode(), "program.yaml").periods) == 24


def test_the_folder_has_all_that_is_needed(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "mine"
    write_program(folder, made())
    program = folder / "program.yaml"
    assert load_program(program).program.program == "mine"
    schema = program.read_text("utf-8").splitlines()[0].partition("$schema=")[2]
    assert json.loads((folder / schema).read_text("utf-8"))["title"].startswith("Program file")
    for dataset in DATASETS:
        (header,) = (folder / "landing" / dataset.name).iterdir()
        assert header.name.startswith("_")
        assert header.read_text("utf-8") == ",".join(dataset.column_names) + "\n"
    readme = (folder / "README.md").read_text("utf-8")
    for dataset in DATASETS:
        assert f"### {dataset.name}\n" in readme
        for name in dataset.column_names:
            assert f"| `{name}` |" in readme
    assert "bonus run 2025-01 --program program.yaml --landing example/landing" in readme
    assert "§" not in readme and "](" not in readme, "the contract is not beside it"


def test_the_example_has_a_folder_for_each_dataset_and_known_columns_only(tmp_path: Path) -> None:
    write_program(tmp_path, made())
    assert {path.name for path in (tmp_path / "example/landing").iterdir()} == set(DATASET_NAMES)
    columns = {dataset.name: dataset for dataset in DATASETS}
    for name, rows in example_rows(made()).items():
        for row in rows:
            assert set(columns[name].required_names) <= set(row) <= set(columns[name].column_names)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "program.yaml"
    file.write_text("mine")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")
    for place in (tmp_path, file, link):
        with pytest.raises(Occupied):
            write_program(place, made())
    assert file.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "program.yaml"]
