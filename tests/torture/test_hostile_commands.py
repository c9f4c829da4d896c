"""Hostile input through the command line: status, one clear message, nothing published (§2, §8, §10)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from orchestration.terms.load import load_program
from tests.conftest import Bonus, published_files
from tests.torture.hostile_files import GOOD_IDS

pytestmark = pytest.mark.long

HOSTILE_NAME = "\x1b[2J<b>\u202e'; drop table raw_posts; --.csv"


@pytest.fixture
def bonus(sample: Path, tmp_path: Path) -> Bonus:
    """`bonus` over a copy of the sample's landing directory, and a fresh home."""
    shutil.copytree(sample / "landing", tmp_path / "landing")
    return Bonus(sample / "program.yaml", tmp_path / "landing", tmp_path / "home")


def first_period(bonus: Bonus) -> str:
    return load_program(bonus.program).program.periods[0].key


def test_bad_rows_and_files_are_named_and_harmless_to_look_at(bonus: Bonus) -> None:
    creators = bonus.landing / "creators"
    header = "creator_id,account_type,market,updated_at\n"
    (creators / HOSTILE_NAME).write_text(
        f"{header}\nc\x1b[31m,creator,US,2024-01-01T00:00:00Z\n", encoding="utf-8"
    )
    (bonus.landing / "posts" / "torn.csv.gz").write_bytes(b"\x1f\x8b\x08")
    os.mkfifo(bonus.landing / "deals" / "pipe.csv")
    done = bonus("run", first_period(bonus))
    assert done.returncode == 3
    assert "the ingest gate has not held" in done.stderr
    assert "drop table raw_posts; --.csv" in done.stderr
    assert "row_no='3'" in done.stderr
    assert "torn.csv.gz" in done.stderr
    assert "pipe.csv" in done.stderr
    assert "Traceback" not in done.stderr
    assert not {"\x1b", "\u202e"} & set(done.stderr + done.stdout)
    assert published_files(bonus.home) == {}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "../../x"], "has no period"),
        (["run", "'; drop table x; --"], "has no period"),
        (["run", "\x1b[2J"], "has no period"),
        (["close", "..", "--by", "grace"], "has no period"),
        (["close", "{period}", "--by", "\x1b[2Jgrace"], "none of them a control character"),
        (["close", "{period}", "--by", " "], "nothing of it can be seen"),
        (["export", "../{period}", "--out", "/tmp/never"], "has no period"),
        (["export", "{period}/../x", "--out", "/tmp/never"], "has no period"),
        (["run", "{period}", "--by", "a\nb"], "none of them a control character"),
    ],
)
def test_hostile_arguments_are_bad_usage(arguments: list[str], said: str, bonus: Bonus) -> None:
    done = bonus(*(argument.format(period=first_period(bonus)) for argument in arguments))
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not {"\x1b", "\u202e"} & set(done.stderr)
    assert published_files(bonus.home) == {}


PROGRAMS = {
    "a tag": "program: !!python/object/apply:os.system [id]\n",
    "an alias bomb": "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nprogram: *c\n",
    "a merge": "a: &a {x: 1}\n<<: *a\n",
    "deep nesting": "program: " + "[" * 5000 + "]" * 5000 + "\n",
    "deep mappings": "program: " + "{a: " * 2000 + "}" * 2000 + "\n",
    "a key twice": "program: a\nprogram: b\n",
    "a huge number": "minimum_payout: {USD: 1e999999999}\n",
    "not a number": "minimum_payout: {USD: .nan}\n",
    "infinity": "minimum_payout: {USD: .inf}\n",
    "two documents": "program: a\n---\nprogram: b\n",
    "a path for a name": "program: ../../etc\n",
    "an escape for a name": 'program: "\\e[2J"\n',
    "SQL for a name": 'program: "x\'; drop table y; --"\n',
    "bidi for a name": "program: a\u202eb\n",
    "only a comment": "# nothing\n",
    "300 KiB": "# " + "x" * 300_000 + "\n",
    "a list": "- program\n",
    "a JSON bomb": '{"a":' * 3000 + "1" + "}" * 3000 + "\n",
}


def test_hostile_program_files_are_bad_usage(bonus: Bonus, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from orchestration.command_line.app import app

    files = {name: text.encode() for name, text in PROGRAMS.items()}
    files |= {
        "Latin-1": "program: é\n".encode("latin-1"),
        "UTF-16": "program: a\n".encode("utf-16"),
        "NUL": b"program: a\0b\n",
        "half a surrogate": b"program: \xed\xa0\x80\n",
        "nothing": b"",
        "gzip": b"\x1f\x8b\x08\x00program",
    }
    for name, content in files.items():
        path = tmp_path / "hostile.yaml"
        path.write_bytes(content)
        found = CliRunner().invoke(
            app, ["run", "x", "--program", str(path), "--landing", str(bonus.landing), "--home", str(bonus.home)]
        )  # fmt: skip
        assert found.exit_code == 2, name
        assert "hostile.yaml" in found.output, name
        assert not {"\x1b", "\u202e"} & set(found.output), name
        assert len(found.output) < 20_000, name
    assert not bonus.home.exists()


def test_an_export_keeps_ids_and_quotes_formulas_only_when_told(tmp_path: Path) -> None:
    import csv

    import duckdb

    from orchestration.publishing.export import export_tables
    from orchestration.publishing.parquet import write_table
    from orchestration.publishing.store import Publication
    from orchestration.publishing.tables import CONTRACT_TABLES

    ids = sorted(
        {*GOOD_IDS, "=1", "+1", "-1", "@1", '=HYPERLINK("http://x","y")', "=1,2", '"', "a'b"}
    )
    version = tmp_path / "1"
    with duckdb.connect() as connection:
        for table in CONTRACT_TABLES.values():
            columns = ", ".join(f"null::{kind} as {name}" for name, kind in table.columns.items())
            connection.execute(f"create table {table.name} as select {columns} limit 0")
        connection.executemany(
            "insert into creator_scores (creator_id) values ($1)", [[text] for text in ids]
        )
        for table in CONTRACT_TABLES.values():
            write_table(connection, table, table.name, version)
    cells = {}
    for spreadsheet in (False, True):
        out = tmp_path / str(spreadsheet)
        export_tables(Publication("p", version), out, spreadsheet=spreadsheet)
        with (out / "creator_scores.csv").open(encoding="utf-8", newline="") as file:
            cells[spreadsheet] = [row[0] for row in list(csv.reader(file))[1:]]
    assert sorted(cells[False]) == ids
    assert (
        sorted(cell.removeprefix("'") if cell[1:2] in set("=+-@") else cell for cell in cells[True])
        == ids
    )
    assert not [cell for cell in cells[True] if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
