"""`bonus verify` (§7, §10): every kind of tampering is found and named, with exit status 5."""

from __future__ import annotations

import csv
import hashlib
import hmac
import json
import runpy
from collections import defaultdict
from pathlib import Path

import pytest

from orchestration.foundations.cursors import scratch_database
from orchestration.ledger.closing import line_sha256
from orchestration.pipeline.close_log import CloseLog
from orchestration.pipeline.refusals import Refused
from orchestration.pipeline.statement_key import KEY_FILE
from orchestration.publishing.export import export_period
from orchestration.publishing.integrity import file_faults
from orchestration.publishing.tables import PUBLISHED_TABLES
from orchestration.records import CloseEntry
from tests.conftest import ROOT, BonusHere
from tests.integration.books import Books

WHO_EARNS = {"creator_earnings": "rounded_minor > 0"}
"""Whose row is changed: of others a cap says nothing."""


@pytest.fixture
def books(whole: Books, tmp_path: Path) -> Books:
    """A copy of it, to be tampered with."""
    return whole.copy(tmp_path / "home")


def test_whole_books_verify(books: Books, sample: Path) -> None:
    bonus = BonusHere(sample / "program.yaml", sample / "landing", books.home.path)
    done = bonus("verify")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("2 published and 1 closed periods, ")
    found = bonus.json("verify")
    assert (found["periods"], found["closed"]) == (books.periods[:2], books.periods[:1])
    assert found["differences"] == []


def test_nothing_published_is_no_proof(sample: Path, tmp_path: Path) -> None:
    done = BonusHere(sample / "program.yaml", sample / "landing", tmp_path / "home")("verify")
    assert done.returncode == 4
    assert "nothing is published yet" in done.stderr


def test_a_changed_byte_in_any_file_of_a_closed_period_is_named(books: Books) -> None:
    folder = books.published[books.periods[0]].folder
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    assert len(paths) > 10
    for path in paths:
        content = path.read_bytes()
        place = len(content) // 2
        # Anew, not in place: a hard link would change another version with it.
        path.unlink()
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        said = "\n".join(books.differences)
        assert str(path) in said or path.name == "close.json", path
        assert "close log" in said or path.name != "close.json"
        path.write_bytes(content)
        assert books.differences == []


def test_terms_that_no_run_has_read_are_named_though_all_hashes_were_written_anew(
    books: Books,
) -> None:
    publication = books.published[books.periods[1]]
    content = publication.program_file.read_bytes() + b"# other terms\n"
    publication.program_file.unlink()
    publication.program_file.write_bytes(content)
    hashes = {**publication.file_hashes(), "program.yaml": hashlib.sha256(content).hexdigest()}
    said = list(file_faults("it", publication, closed_with=hashes))
    assert len(said) == 1
    assert "program.yaml is not the program file that its run has read" in said[0]


def test_a_file_that_vanished_and_one_that_came_are_named(books: Books) -> None:
    folder = books.published[books.periods[0]].folder
    (folder / "post_scores" / "part-0.parquet").unlink()
    (folder / "post_scores" / "part-1.parquet").write_bytes(b"more")
    said = "\n".join(books.differences)
    assert "part-0.parquet is missing" in said
    assert "part-1.parquet was not there when its run ended" in said


def test_an_unreadable_ledger_is_named(books: Books) -> None:
    path = books.published[books.periods[1]].table("payout_ledger")
    path.unlink()
    path.write_bytes(b"no parquet")
    said = "\n".join(books.differences)
    assert f"{books.periods[1]}: tables cannot be read" in said
    assert "was changed" in said


def test_an_entry_out_of_the_journal_of_an_open_period_is_named(books: Books) -> None:
    """Even where whoever did it has also written down the new hash."""
    publication = books.published[books.periods[1]]
    path = publication.table("journal")
    with scratch_database() as connection:
        rows = connection.execute(
            "select txn_id from read_parquet($1) order by entry_id limit 1", [str(path)]
        ).fetchone()
        assert rows is not None
        fewer = path.with_name("fewer.parquet")
        connection.execute(
            f"copy (select * from read_parquet('{path}') order by entry_id offset 1) to '{fewer}'"
        )
    path.unlink()
    fewer.rename(path)
    run_file = publication.folder / "run.json"
    record = json.loads(run_file.read_bytes())
    record["files"]["journal/part-0.parquet"] = publication.file_hashes()["journal/part-0.parquet"]
    run_file.unlink()
    run_file.write_text(json.dumps(record), encoding="utf-8")
    said = books.differences
    assert said
    assert any(f"{books.periods[1]}: transaction {rows[0]} sums to" in fault for fault in said)


@pytest.mark.parametrize(
    ("table", "change", "said"),
    [
        ("creator_earnings", "rounded_minor = rounded_minor + 1", "rounded_minor is "),
        ("creator_earnings", "cap_minor = 0", "capped is "),
        ("creator_earnings", "program_amount_minor = null", "which is below 0"),
        ("market_totals", "points = points + 1", "points_e4 is "),
        ("post_earnings", "rounding_unit = 1 - rounding_unit", "is not the floor of its share"),
        ("post_scores", "points = points + 0.0001", "not audience value x weights x increments"),
        ("post_increments", "likes = likes + 1", "not the sum of its increments"),
        ("creator_segments", "segment_no = segment_no + 1", "are not its window"),
        ("creator_segments", "audience_value = audience_value + 1", "of the last segment"),
        ("creator_scores", "points = points + 1", "are not those of creator_scores"),
    ],
)
def test_what_does_not_follow_from_the_tables_that_explain_is_named(
    table: str, change: str, said: str, books: Books
) -> None:
    """Beside the hash that is another one: whoever may write the home may write hashes too."""
    publication = books.published[books.periods[1]]
    path = publication.table(table)
    with scratch_database() as connection:
        connection.execute(f"create table changed as select * from read_parquet('{path}')")
        least = f"select min({PUBLISHED_TABLES[table].key[0]}) from changed where {WHO_EARNS.get(table, 'true')}"
        connection.execute(
            f"update changed set {change} where {PUBLISHED_TABLES[table].key[0]} = ({least})"
        )
        path.unlink()
        connection.execute(f"copy changed to '{path}' (format parquet)")
    found = [fault for fault in books.differences if said in fault]
    assert found and all(fault.startswith(f"{books.periods[1]}: ") for fault in found)


@pytest.mark.parametrize("taken", [0, 1])
def test_a_line_taken_out_of_the_close_log_is_named(taken: int, books: Books, sample: Path) -> None:
    first, second = books.periods[:2]
    books.close(second)
    log = CloseLog(books.home.path, books.program.program)
    lines = log.lines()
    log.path.write_bytes(b"".join(line + b"\n" for line in lines if line is not lines[taken]))
    done = BonusHere(sample / "program.yaml", sample / "landing", books.home.path)("verify")
    assert done.returncode == 5
    assert (
        f"{[first, second][taken]} was closed, but the close log has no line of it" in done.stderr
    )
    assert "differences" in done.stderr.splitlines()[-1]


def test_a_line_that_was_changed_is_named(books: Books) -> None:
    log = CloseLog(books.home.path, books.program.program)
    line = log.lines()[0]
    log.path.write_bytes(line.replace(b'"approved_by":"grace"', b'"approved_by":"mallo"') + b"\n")
    assert any("has another line of it" in fault for fault in books.differences)
    log.path.write_bytes(line[:-20])
    assert any("line 1: unreadable" in fault for fault in books.differences)
    log.path.unlink()
    assert any("has no line of it" in fault for fault in books.differences)


def test_a_line_that_was_added_is_named(books: Books) -> None:
    log = CloseLog(books.home.path, books.program.program)
    entry = CloseEntry.from_line(log.lines()[0])
    forged = entry.model_copy(update={"period": "2099-01", "previous_sha256": log.last_sha256()})
    log.append(forged.line())
    said = books.differences
    assert any("closes 2099-01, which is not published" in fault for fault in said)
    assert any("expected" in fault and "first periods" in fault for fault in said)


def test_a_changed_restatement_is_named(books: Books, sample: Path) -> None:
    first = books.periods[0]
    books.run(first, sample / "landing")
    path = books.restated[first].table("restatement")
    path.write_bytes(path.read_bytes() + b"x")
    assert any(f"restatement of {first}" in fault for fault in books.differences)


def test_the_root_of_statements_is_in_the_line_and_recomputed(books: Books) -> None:
    """§12: "its line in the close log has `statements_root` and `statements` (the tree's size)" """
    (entry,) = (entry for entry, _ in CloseLog(books.home.path, books.program.program).entries())
    with scratch_database() as connection:
        path = books.published[books.periods[0]].pattern("payout_ledger")
        (creators,) = connection.execute(
            "select count(distinct creator_id) from read_parquet($1)", [path]
        ).fetchone()
    assert entry.statements == creators
    key = books.home.path / KEY_FILE
    assert (key.stat().st_size, key.stat().st_mode & 0o777) == (32, 0o600)
    key.write_bytes(bytes(32))
    assert [fault for fault in books.differences if entry.statements_root in fault]


def test_a_lost_key_stops_closes_and_is_named(books: Books) -> None:
    """§12: "if it is lost while a closed period has a root, closes and statements end with 4" """
    (books.home.path / KEY_FILE).unlink()
    with pytest.raises(Refused, match=r"statement\.key is lost"):
        books.close(books.periods[1])
    assert [fault for fault in books.differences if "statement.key is lost" in fault]
    assert not (books.home.path / KEY_FILE).exists()


def test_a_torn_key_stops_closes(books: Books) -> None:
    (books.home.path / KEY_FILE).write_bytes(bytes(31))
    with pytest.raises(Refused, match=r"31 bytes, expected 32"):
        books.close(books.periods[1])


def test_a_line_of_earlier_code_has_no_root_to_compare(books: Books) -> None:
    """A key is made anew then: nothing was proved with the one before."""
    log = CloseLog(books.home.path, books.program.program)
    ((entry, _),) = log.entries()
    line = entry.model_copy(update={"statements": None, "statements_root": None}).line()
    assert b'"statements' not in line
    log.path.write_bytes(line + b"\n")
    folder = books.published[books.periods[0]].folder
    (folder / "close.json").write_bytes(line)
    (books.home.path / KEY_FILE).unlink()
    assert books.differences == []
    assert books.close(books.periods[1]).statements_root is not None
    assert books.differences == []


def test_since_says_whether_the_log_has_only_grown(books: Books, sample: Path) -> None:
    """0 where a line of today's log has the hash, else 5; 2 for what is no hash."""
    bonus = BonusHere(sample / "program.yaml", sample / "landing", books.home.path)
    (line,) = CloseLog(books.home.path, books.program.program).lines()
    found = line_sha256(line)
    books.close(books.periods[1])
    assert "line 1 of 2" in bonus("verify", "--since", found).stdout
    assert bonus.json("verify", "--since", found)["since"] == {"sha256": found, "line": 1}
    lost = bonus("verify", "--since", "0" * 64)
    assert lost.returncode == 5
    assert f"no line has the hash {'0' * 64}" in lost.stderr
    assert bonus("verify", "--since", "abc").returncode == 2


def test_the_root_follows_from_the_key_and_the_export_alone(books: Books, tmp_path: Path) -> None:
    """§12, written apart: facts out of the CSV files, canonical JSON by the checker, the tree as RFC 9162 splits it."""
    checker = runpy.run_path(str(ROOT / "check_statement.py"))["canonical"]
    period, ((entry, _),) = (
        books.periods[0],
        CloseLog(books.home.path, books.program.program).entries(),
    )
    export_period(books.published[period], tmp_path / "out")

    def rows(table: str) -> list[dict[str, str | None]]:
        with (tmp_path / "out" / f"{table}.csv").open(newline="", encoding="utf-8") as file:
            return [{k: v or None for k, v in row.items()} for row in csv.DictReader(file)]

    points = {row["post_id"]: row["points"] for row in rows("post_scores")}
    ledger, posts = defaultdict(dict), defaultdict(dict)
    for row in rows("payout_ledger"):
        ledger[row["creator_id"]][row["payout_currency"]] = row
    for row in rows("post_earnings"):
        posts[row["creator_id"]][row["post_id"]] = row | {"points": points[row["post_id"]]}
    key, name = (books.home.path / "statement.key").read_bytes(), books.program.program
    leaves = []
    for creator, in_ledger in ledger.items():
        facts = {"program": name, "period": period, "creator_id": creator, "state": "closed"}
        facts |= {"ledger": in_ledger, "posts": posts.get(creator, {})}
        message = checker([name, period, "closed", entry.revision, creator])
        salt = hmac.digest(key, message, "sha256")
        leaves.append(hashlib.sha256(b"\x00" + salt + checker(facts)).digest())

    def root(of: list[bytes]) -> bytes:
        if len(of) == 1:
            return of[0]
        half = 1 << (len(of) - 1).bit_length() - 1
        return hashlib.sha256(b"\x01" + root(of[:half]) + root(of[half:])).digest()

    assert posts and len(leaves) > 10
    assert (entry.statements, entry.statements_root) == (len(leaves), root(sorted(leaves)).hex())
