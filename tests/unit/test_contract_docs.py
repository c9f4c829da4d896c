"""docs/contract is what the code is: keys, columns, tables, codes, commands, gates, both directions."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer.main

from expectations.suites import SUITES
from orchestration.command_line import edge
from orchestration.command_line.app import app
from orchestration.described import contract_docs
from orchestration.described.contract_docs import (
    CONTRACT,
    DocTable,
    doc_tables,
    schemas,
    table_under,
)
from orchestration.ingest.datasets import DATASETS, Kind
from orchestration.ingest.quarantine import FileReason, RowReason
from orchestration.ingest.row_schema import KINDS
from orchestration.publishing.tables import DECISION_TABLES, PUBLISHED_TABLES
from orchestration.terms.load import load_program
from orchestration.terms.reasons import STATUS_REASONS
from orchestration.terms.schema import program_paths
from orchestration.terms.yaml_reader import MappingNode, Scalar, SequenceNode, read_yaml
from tests.contract import CREATOR_REASONS, POST_REASONS

ROOT = Path(__file__).resolve().parents[2]

SQL_TYPES = {
    "whole": "BIGINT",
    "points": "DECIMAL(38,4)",
    "audience value": "DECIMAL(18,6)",
    "rate": "DECIMAL(38,10)",
    "instant": "TIMESTAMP",
    "day": "DATE",
    "flag": "BOOLEAN",
    "text": "VARCHAR",
}
KIND_WORDS = {
    Kind.IDENTIFIER: "id",
    Kind.CURRENCY: "currency",
    Kind.TIMESTAMP: "timestamp",
    Kind.DAY: "day",
    Kind.FLAG: "flag",
    Kind.COUNT: "count",
    Kind.RATE: "rate",
    Kind.CAP: "cap",
    Kind.AMOUNT: "amount",
    Kind.REASON: "reason",
    Kind.PERSON: "person",
}
# What every command of the contract takes (§10).
COMMON_OPTIONS = {"--program", "--landing", "--home", "--json"}
SUITE_HEADINGS = {stage: stage.capitalize() for stage in SUITES if stage != "restatement"}


def section(name: str) -> str:
    return (CONTRACT / name).read_text(encoding="utf-8")


def named(cell: str) -> list[str]:
    """What a cell has in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def keyed(table: DocTable, column: str) -> dict[str, dict[str, str]]:
    """Rows by the one name in a column; each name once."""
    found = {named(row[column])[0]: row for row in table.rows}
    assert len(found) == len(table.rows)
    return found


def code_blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def as_an_editor_reads(text: str) -> Any:
    """YAML 1.2 core: what a schema is applied to."""
    root, problems = read_yaml(text.encode(), "program.yaml")
    assert problems == []
    return plain_value(root)


def plain_value(node: Any) -> Any:
    if isinstance(node, MappingNode):
        return {key: plain_value(value) for key, value in node.items()}
    if isinstance(node, SequenceNode):
        return [plain_value(each) for each in node]
    assert isinstance(node, Scalar)
    if not node.is_plain:
        return node.text
    if node.is_null:
        return None
    if node.text in ("true", "false"):
        return node.text == "true"
    for pattern, read in ((r"[-+]?[0-9]+", int), (r"[-+]?[0-9]*\.?[0-9]+", float)):
        if re.fullmatch(pattern, node.text):
            return read(node.text)
    return node.text


def program_validator() -> jsonschema.Draft7Validator:
    schema = json.loads(section("program.schema.json"))
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def sample_program() -> Any:
    text = (ROOT / "programs" / "instagram-spring-bonus.yaml").read_text(encoding="utf-8")
    return as_an_editor_reads(text)


# --- §1 -------------------------------------------------------------------------------------------


def test_keys_of_a_program_file_are_those_of_the_model() -> None:
    documented = {
        f"key {path}"
        for path in keyed(table_under(section(contract_docs.PROGRAM_FILE), "Keys"), "key")
    }
    paths = program_paths(json.loads(schemas()["program.schema.json"]))
    assert documented == {f"key {path}" for path in paths}


def test_bounds_and_words_of_a_key_are_those_of_the_model() -> None:
    paths = program_paths(json.loads(schemas()["program.schema.json"]))
    rows = keyed(table_under(section(contract_docs.PROGRAM_FILE), "Keys"), "key")
    compared = 0
    for path, schema in paths.items():
        # The bounds of a mapping of numbers or of a list of words are those of what is in it.
        holder = schema.get("additionalProperties") or schema.get("items") or schema
        if "maximum" in holder:
            low = holder.get("minimum", holder.get("exclusiveMinimum"))
            start = f"above {low}, to " if "exclusiveMinimum" in holder else f"{low} to "
            assert rows[path]["bounds"].startswith(start + power(holder["maximum"])), path
            compared += 1
        elif "enum" in holder and len(holder["enum"]) < 10:
            assert named(rows[path]["type"]) == holder["enum"], path
            compared += 1
    assert compared >= 26


def power(number: int) -> str:
    """10^15 as the contract writes it; small numbers as they are."""
    zeros = len(str(number)) - 1
    return f"10^{zeros}" if zeros >= 4 and number == 10**zeros else str(number)


def test_what_is_required_is_so_in_the_model() -> None:
    rows = keyed(table_under(section(contract_docs.PROGRAM_FILE), "Keys"), "key")
    schema = json.loads(schemas()["program.schema.json"])
    required = dict(required_paths(schema, ""))
    for path, is_required in required.items():
        assert (rows[path]["default"] == "required") == is_required, path
    assert set(required) == set(program_paths(schema))


def required_paths(schema: dict[str, Any], path: str) -> Iterator[tuple[str, bool]]:
    schema = schema["anyOf"][0] if "anyOf" in schema else schema
    for key, value in schema.get("properties", {}).items():
        own = f"{path}.{key}" if path else key
        yield own, key in schema["required"]
        yield from required_paths(value, own)
    if "items" in schema:
        yield from required_paths(schema["items"], f"{path}[]")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from required_paths(schema["additionalProperties"], f"{path}.*")


def test_the_example_program_is_one(tmp_path: Path) -> None:
    (example,) = code_blocks(section(contract_docs.PROGRAM_FILE), "yaml")
    first = example.splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    # The program lies in programs/.
    assert (
        ROOT / "programs" / first.partition("$schema=")[2]
    ).resolve() == CONTRACT / "program.schema.json"
    path = tmp_path / "program.yaml"
    path.write_text(example, encoding="utf-8")
    assert load_program(path).program.program == "atelier-bonus"
    program_validator().validate(as_an_editor_reads(example))


def test_the_sample_program_is_valid_by_the_schema() -> None:
    program_validator().validate(sample_program())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["curency"], "USD"),  # a key that there is not
        (["currency"], "usd"),
        (["program"], "Spring Bonus"),
        (["periods", 0, "starts_on"], "29.03.2024"),
        (["periods", 2, "budget"], -1),
        (["terms", 0, "version"], 0),
        (["terms", 0, "eligibility", "counts_posts"], "all"),
        (["terms", 0, "eligibility", "excludes"], ["copies"]),
        (["terms", 0, "weights", "reel", "views"], 10001),
        (["terms", 0, "payout", "rates", "US", 0, "up_to"], 0),
        (["terms", 0, "payout", "rates", "US", 0, "rate"], "0.60"),  # text is no number
        (["withholding", 0, "brackets", 0, "rate"], 1.1),
        (["markets"], None),  # required keys may not be null
    ],
)
def test_a_wrong_program_is_not_valid_by_the_schema(path: list[Any], value: Any) -> None:
    program = sample_program()
    part = program
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    assert not program_validator().is_valid(program)


@pytest.mark.parametrize("key", ["program", "periods", "withholding"])
def test_a_program_without_a_required_key_is_not_valid_by_the_schema(key: str) -> None:
    program = sample_program()
    del program[key]
    assert not program_validator().is_valid(program)


def test_an_optional_key_may_be_null_by_the_schema() -> None:
    program = sample_program()
    program["terms"][0]["eligibility"]["minimum_age"] = None
    program["periods"][0]["key"] = 2024  # an editor sees a number, the reader a name
    program_validator().validate(program)


def test_the_schemas_are_those_that_make_docs_writes(tmp_path: Path) -> None:
    written = {
        str(path.relative_to(CONTRACT)): path.read_text(encoding="utf-8")
        for path in sorted(CONTRACT.rglob("*.json"))
    }
    assert written == schemas()
    for name in (contract_docs.PROGRAM_FILE, contract_docs.LANDING_DATA):
        (tmp_path / name).write_text(section(name), encoding="utf-8")
    contract_docs.main(tmp_path)
    assert (tmp_path / "program.schema.json").read_text("utf-8") == written["program.schema.json"]


# --- §2 -------------------------------------------------------------------------------------------


def dataset_tables() -> dict[str, DocTable]:
    text = section(contract_docs.LANDING_DATA)
    return {
        table.heading: table
        for table in doc_tables(text)
        if table.columns == ("column", "type", "default", "meaning")
    }


def test_datasets_are_those_of_the_code() -> None:
    assert {f"dataset {name}" for name in dataset_tables()} == {
        f"dataset {each.name}" for each in DATASETS
    }


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_columns_of_a_dataset_are_those_of_the_code(dataset: Any) -> None:
    rows = keyed(dataset_tables()[dataset.name], "column")
    assert tuple(rows) == dataset.column_names
    for column in dataset.columns:
        row = rows[column.name]
        kind = ", ".join(f"`{word}`" for word in column.choices) or KIND_WORDS[column.kind]
        assert row["type"] == kind, column.name
        default = "null" if column.default is None else str(column.default)
        expected = column.default_column or default if column.is_optional else "required"
        assert row["default"].strip("`") == expected, column.name
        if column.at_most_column:
            assert f"may not exceed {column.at_most_column}" in row["meaning"]


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_the_key_of_a_dataset_is_that_of_the_code(dataset: Any) -> None:
    assert key_under(section(contract_docs.LANDING_DATA), dataset.name) == dataset.key


def key_under(text: str, heading: str) -> tuple[str, ...]:
    part = text.partition(f"### {heading}\n")[2].partition("\n#")[0]
    (key,) = re.findall(r"Key:\s+((?:`\w+`,?\s*)+)\.", part)
    return tuple(named(key))


def examples() -> Iterator[tuple[str, str, str]]:
    """Dataset, CSV and JSONL of each example."""
    text = section(contract_docs.LANDING_DATA)
    for name in dataset_tables():
        part = text.partition(f"### {name}\n")[2].partition("\n#")[0]
        yield name, *code_blocks(part, "csv"), *code_blocks(part, "json")


def test_every_dataset_has_examples_with_its_columns() -> None:
    found = {name: (rows, line) for name, rows, line in examples()}
    assert set(found) == set(dataset_tables())
    for name, (rows, line) in found.items():
        columns = set(keyed(dataset_tables()[name], "column"))
        assert set(next(csv.reader(io.StringIO(rows)))) == columns
        assert set(json.loads(line)) <= columns


def parquet_types() -> dict[str, str]:
    """The natural Parquet type by the type word of a column, as DuckDB calls it."""
    called = {"STRING": "VARCHAR", "TIMESTAMP(MICROS)": "TIMESTAMP", "INT64": "BIGINT"}
    found = {}
    for row in table_under(section(contract_docs.LANDING_DATA), "Parquet types").rows:
        name = row["Parquet type (logical)"].split(", with")[0]
        found |= {word: called.get(name, name) for word in row["type"].split(", ")}
    return found


def test_the_examples_are_loaded_and_say_the_same(tmp_path: Path) -> None:
    """A CSV, a JSONL and a Parquet file of each dataset, read as a delivery: all is loaded."""
    import duckdb

    from orchestration.ingest.discovery import discover
    from orchestration.ingest.landing import ingest_landing

    known = {dataset.name: dataset for dataset in DATASETS}
    landing, types = tmp_path / "landing", parquet_types()
    for name, rows, line in examples():
        if name in known:
            folder = landing / name
            folder.mkdir(parents=True)
            (folder / "1.csv").write_text(rows, encoding="utf-8")
            (folder / "2.jsonl").write_text(line, encoding="utf-8")
            columns = ", ".join(
                f"cast({each.name} as {types[KIND_WORDS.get(each.kind, 'word')]}) as {each.name}"
                for each in known[name].columns
            )
            duckdb.sql(
                f"copy (select {columns} from read_csv('{folder}/1.csv', all_varchar = true))"
                f" to '{folder}/3.parquet' (format parquet)"
            )
    (tmp_path / "scratch").mkdir()
    with duckdb.connect() as connection:
        ingest_landing(
            connection,
            discover(landing),
            program="atelier-bonus",
            currency_decimals=2,
            closes_at=datetime(2025, 2, 4),
            scratch=tmp_path / "scratch",
            links=tmp_path / "links",
        )
        assert connection.execute("select * from quarantine_files").fetchall() == []
        assert connection.execute("select * from quarantine_rows").fetchall() == []
        for name, dataset in known.items():
            # delivered_at of the JSONL example of audience is left out, so takes its default
            columns = ", ".join(each for each in dataset.column_names if each != "delivered_at")
            rows = connection.execute(f"select {columns} from raw_{name}").fetchall()
            assert len(rows) == 3 and len(set(rows)) == 1, name


@pytest.mark.parametrize("name", [dataset.name for dataset in DATASETS])
def test_the_example_row_is_valid_by_its_schema_and_wrong_ones_are_not(name: str) -> None:
    schema = json.loads(section(f"rows/{name}.schema.json"))
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    (line,) = (line for dataset, _, line in examples() if dataset == name)
    row = json.loads(line)
    validator.validate(row)
    validator.validate({**row, "of_somebody_else": 1})
    for column in schema["required"]:
        assert not validator.is_valid({**row, column: None})
        assert not validator.is_valid({key: value for key, value in row.items() if key != column})
    assert not validator.is_valid({**row, schema["required"][0]: 7})


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (Kind.COUNT, [0, 80, "80", "80.0", "80.00", 10**15], ["80.", -1, 1.5, "1e3", "", 10**15 + 1, "+1"]),
        (Kind.RATE, [0.5, "159.27", "1.00000000010"], [0, -1, "1.00000000001", "1e2", ".5"]),
        (Kind.CAP, [0, "1500.00", 10**12], [-1, 10**12 + 1, "1,5"]),
        (Kind.AMOUNT, [0, "+1.5", "-1.5", "1.50", -(10**12), 10**12], ["1,5", "--1", "1e3", "", -(10**12) - 1, 10**12 + 1]),
        (Kind.REASON, ["é" * 500], ["", "é" * 501, "a\nb", 5]),
        (Kind.PERSON, ["é" * 128], ["", "é" * 129, "a\nb", 5]),
        (Kind.FLAG, [True, False], ["true", 1]),
        (
            Kind.TIMESTAMP,
            ["2025-01-05T08:00:00Z", "2025-01-05 08:00:00.25 UTC", "2025-01-05T17:00:00+0900", "2025-01-05 09:00:00+01", "2025-01-05T09:00:00-01:30"],
            ["2025-01-05", "2025-01-05T08:00:00", "2025-01-05T08:00Z", "2025-01-05T08:00:00.1234567Z"],
        ),
        (Kind.IDENTIFIER, ["null", "é" * 128], ["", "é" * 129, "a\tb", 5]),
        (Kind.CURRENCY, ["EUR"], ["eur", "XAU"]),
        (Kind.DAY, ["2025-01-05"], ["05.01.2025", "2025-1-5"]),
    ],
)  # fmt: skip
def test_values_of_a_kind_by_the_schema(kind: Kind, good: list[Any], bad: list[Any]) -> None:
    validator = jsonschema.Draft7Validator(KINDS[kind])
    assert [value for value in good if not validator.is_valid(value)] == []
    assert [value for value in bad if validator.is_valid(value)] == []


def test_every_kind_of_column_has_a_schema() -> None:
    assert set(KINDS) == set(Kind)


def test_reasons_of_quarantine_are_those_of_the_code() -> None:
    text = section(contract_docs.LANDING_DATA)
    rows = set(keyed(table_under(text, "Bad rows"), "reason code"))
    files = set(keyed(table_under(text, "Files that are not used"), "reason code"))
    assert rows == {str(reason) for reason in RowReason}
    assert {f"file reason {each}" for each in files} == {
        f"file reason {each}" for each in FileReason
    }


# --- §4, §7 ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heading", "model", "listed"),
    [
        ("A creator's reasons", "creator_eligibility", CREATOR_REASONS),
        ("A post's reasons", "post_eligibility", POST_REASONS),
    ],
)
def test_reasons_of_eligibility_are_those_of_the_code(
    heading: str, model: str, listed: set[str]
) -> None:
    documented = set(keyed(table_under(section("04-eligibility.md"), heading), "reason"))
    sql = (ROOT / "dbt_project" / "models" / "eligibility" / f"{model}.sql").read_text("utf-8")
    assert documented == listed == set(re.findall(r"then '([A-Z_]+)'", " ".join(sql.split())))


def test_statuses_of_the_ledger_are_those_of_the_code() -> None:
    table = table_under(section("07-settlement.md"), "Status")
    assert {each for row in table.rows for each in named(row["status_reason"])} == set(
        STATUS_REASONS
    )
    assert {each for row in table.rows for each in named(row["status"])} == {
        "none",
        "held",
        "carried",
        "paid",
    }


# --- §9 -------------------------------------------------------------------------------------------


def published_tables() -> dict[str, DocTable]:
    text = section("09-published-tables.md")
    return {
        table.heading: table
        for table in doc_tables(text)
        if table.columns == ("column", "type", "meaning")
    }


def test_types_of_published_tables_are_said_as_the_tables_use_them() -> None:
    types = table_under(section("09-published-tables.md"), "Types")
    assert {row["type here"]: row["Parquet"] for row in types.rows} == SQL_TYPES


def test_published_tables_of_the_contract_are_those_of_the_code() -> None:
    """§9 "Further tables ... may be published beside these": docs/tables.md has them."""
    documented = {f"table {name}" for name in published_tables()}
    ours = PUBLISHED_TABLES.keys() - DECISION_TABLES.keys()
    assert documented == {f"table {name}" for name in ours}


def test_columns_of_published_tables_are_those_of_the_code() -> None:
    for name, table in published_tables().items():
        documented = {f"column {name}.{column}" for column in keyed(table, "column")}
        assert documented == {f"column {name}.{each}" for each in PUBLISHED_TABLES[name].columns}


def test_types_and_keys_of_published_columns_are_those_of_the_code() -> None:
    text, compared = section("09-published-tables.md"), 0
    for name, table in published_tables().items():
        assert key_under(text, name) == PUBLISHED_TABLES[name].key
        for column, row in keyed(table, "column").items():
            expected = SQL_TYPES[row["type"]]
            assert PUBLISHED_TABLES[name].columns[column] == expected, f"{name}.{column}"
            compared += 1
    assert compared > 60


# --- §10 ------------------------------------------------------------------------------------------


def app_commands() -> dict[str, Any]:
    group: Any = typer.main.get_command(app)
    return dict(group.commands)


def documented_commands() -> dict[str, str]:
    """Usage by the name of the command."""
    usages = [
        named(row["command"])[0]
        for table in doc_tables(section("10-commands.md"))
        if table.columns == ("command", "does")
        for row in table.rows
    ]
    return {usage.split()[1]: usage for usage in usages}


def test_commands_are_those_of_the_app() -> None:
    documented = {f"command {name}" for name in documented_commands()}
    assert documented == {f"command {name}" for name in app_commands()}


@pytest.mark.parametrize("name", sorted(app_commands()))
def test_arguments_and_options_of_a_command_are_those_of_the_app(name: str) -> None:
    usage = documented_commands()[name]
    parameters = app_commands()[name].params
    options = {each for one in parameters if one.param_type_name == "option" for each in one.opts}
    arguments = [one.metavar for one in parameters if one.param_type_name == "argument"]
    words = usage.split()[2:]
    documented = {word.strip("[]") for word in words if word.strip("[]").startswith("--")}
    assert documented == options - COMMON_OPTIONS - {"-h", "--help"}
    given = [
        word for word, before in zip(words, ["", *words], strict=False) if "--" not in word + before
    ]
    assert given == arguments
    for one in parameters:
        if one.param_type_name == "option" and set(one.opts) & documented:
            assert (f"[{one.opts[0]}" in usage) != one.required, one.opts


def test_options_of_all_commands_are_those_of_the_app() -> None:
    table = table_under(section("10-commands.md"), "Options of all commands of the contract")
    documented = {
        named(row["option"])[0].split()[0]: (named(row["environment"]) or [None])[0]
        for row in table.rows
    }
    assert set(documented) == COMMON_OPTIONS
    for name, command in app_commands().items():
        if name in ("init", "sample", "demo", "ui"):  # beside the contract
            continue
        given = {
            one.opts[0]: one.envvar for one in command.params if one.param_type_name == "option"
        }
        assert documented.items() <= given.items(), name


def test_exit_statuses_are_those_of_the_code() -> None:
    rows = {
        int(row["status"]): row["means"]
        for row in table_under(section("10-commands.md"), "Exit status").rows
    }
    begins = {
        0: "done",
        edge.UNEXPECTED: "anything else",
        edge.USAGE: "bad usage",
        edge.GATE: "a gate blocked",
        edge.STATE: "refused by the state",
        edge.DIFFERENT: "verify found a difference",
    }
    assert set(rows) == set(begins)
    for status, words in begins.items():
        assert rows[status].startswith(words)


# --- §8 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", SUITE_HEADINGS)
def test_expectations_of_the_contract_are_in_the_suite_with_their_severity(stage: str) -> None:
    suite = {each.name: each.severity for each in SUITES[stage]}
    for row in table_under(section("08-gates.md"), SUITE_HEADINGS[stage]).rows:
        for pattern in named(row["expectation"]):
            matching = {severity for name, severity in suite.items() if fnmatch(name, pattern)}
            assert matching == {row["severity"]}, pattern


def test_every_expectation_is_in_the_contract_or_said_to_be_beside_it() -> None:
    """So whoever builds a row of §8 gives it its name there."""
    patterns: dict[str, list[str]] = {heading: [] for heading in SUITE_HEADINGS.values()}
    for table in doc_tables(section("08-gates.md")):
        if "expectation" in table.columns:
            for row in table.rows:
                heading = row.get("stage", "").strip("`").capitalize() or table.heading
                patterns[heading] += named(row["expectation"])
    for stage, heading in SUITE_HEADINGS.items():
        unsaid = {
            each.name
            for each in SUITES[stage]
            if not any(fnmatch(each.name, pattern) for pattern in patterns[heading])
        }
        assert unsaid == set(), stage


def test_every_row_of_the_gates_has_an_expectation() -> None:
    for heading in SUITE_HEADINGS.values():
        for row in table_under(section("08-gates.md"), heading).rows:
            assert named(row["expectation"]), row
