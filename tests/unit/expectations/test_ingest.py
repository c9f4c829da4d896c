"""The gate after ingest (contract §8), each expectation on both sides of its edge.

Landing files are read as a run would read them; the suite's queries are asked of DuckDB itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import product
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from expectations.asking import failing_rows
from expectations.ingest import SUITE
from orchestration.foundations.cursors import scratch_database
from orchestration.ingest.datasets import DATASETS, Dataset, Kind
from tests.unit.expectations.conftest import Failing, Given
from tests.unit.ingest.conftest import Landing

DATASETS_THAT_MAY_BE_ABSENT = ("adjustments", "payment_returns")

WHOLE: Mapping[str, tuple[str, ...]] = {
    "creators": ("creator_id,account_type,market,updated_at", "c1,creator,US,2024-01-01T00:00:00Z"),
    "payees": (
        "creator_id,payout_currency,tax_residence,status,updated_at",
        "c1,USD,US,ready,2024-01-01T00:00:00Z",
    ),
    "deals": (
        "deal_id,program,creator_id,invited_at,activated_at,ends_at,updated_at",
        "d1,ours,c1,2024-01-01T00:00:00Z,2024-01-02T00:00:00Z,2025-01-01T00:00:00Z,2024-01-02T00:00:00Z",
    ),
    "posts": (
        "post_id,creator_id,content_type,published_at,is_branded_content,is_collab,has_watermark,"
        "is_original,updated_at",
        "p1,c1,reel,2024-04-10T00:00:00Z,false,false,false,true,2024-04-10T00:00:00Z",
    ),
    "post_metrics": ("post_id,observed_at,views", "p1,2024-04-20T00:00:00Z,10"),
    "audience": (),
    "policy_events": (),
    "fx_rates": (),
}
"""The least that the gate lets pass: header and rows by dataset; nothing: an empty folder."""


EXPECTATIONS = {expectation.name: expectation for expectation in SUITE}


class Gate:
    """A landing directory, and what the gate says of it."""

    def __init__(self, landing: Landing) -> None:
        self._landing = landing
        for dataset, lines in WHOLE.items():
            (landing.path / dataset).mkdir()
            if lines:
                landing.write(f"{dataset}/a.csv", "\n".join(lines))

    @property
    def path(self) -> Path:
        return self._landing.path

    def add(self, name: str, *rows: str) -> None:
        """A file of further rows, by default with the header of its dataset."""
        self._landing.write(name, "\n".join((WHOLE[name.partition("/")[0]][0], *rows)))

    def replace(self, dataset: str, *rows: str) -> None:
        """Other rows for the dataset."""
        self.add(f"{dataset}/a.csv", *rows)

    def write(self, name: str, text: str) -> None:
        self._landing.write(name, text)

    def found(self, *names: str) -> dict[str, list[dict[str, object]]]:
        """The rows of each expectation that does not hold, as they are shown; by default all are asked."""
        connection = self._landing.ingest().connection
        connection.execute("create table period as select 'USD' as currency")
        failing = {}
        for name in names or EXPECTATIONS:
            if rows := failing_rows(EXPECTATIONS[name], connection):
                failing[name] = rows
        return failing


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    landing = Landing(tmp_path)
    with landing.open:
        yield Gate(landing)


def severity(name: str) -> str:
    return next(row.severity for row in SUITE if row.name == name)


def test_what_is_whole_passes(gate: Gate) -> None:
    assert gate.found() == {}


@pytest.mark.parametrize("dataset", WHOLE)
def test_each_dataset_must_have_a_folder(gate: Gate, dataset: str) -> None:
    for path in (gate.path / dataset).iterdir():
        path.unlink()
    (gate.path / dataset).rmdir()
    found = gate.found("every_dataset_has_a_folder")
    assert severity("every_dataset_has_a_folder") == "error"
    assert found["every_dataset_has_a_folder"] == [{"dataset": dataset}]


@pytest.mark.parametrize("dataset", WHOLE)
def test_only_some_datasets_may_have_no_rows(gate: Gate, dataset: str) -> None:
    for path in (gate.path / dataset).iterdir():
        path.unlink()
    found = [
        row["dataset"] for row in gate.found("datasets_have_rows").get("datasets_have_rows", [])
    ]
    may_have_none = ("audience", "policy_events", "fx_rates")
    assert found == ([] if dataset in may_have_none else [dataset])


@pytest.mark.parametrize(("currency", "blocks"), [("USD", False), ("JPY", True)])
def test_rates_must_be_there_where_there_are_two_currencies(
    gate: Gate, currency: str, blocks: bool
) -> None:
    gate.replace("payees", f"c1,{currency},JP,ready,2024-01-01T00:00:00Z")
    assert bool(gate.found("datasets_have_rows")) is blocks


@pytest.mark.parametrize("dataset", DATASETS_THAT_MAY_BE_ABSENT)
def test_the_folders_of_what_is_decided_by_hand_may_be_absent_or_empty(dataset: str) -> None:
    """Asked of the table that counts datasets: with a folder and without, none has rows."""
    for has_folder in (True, False):
        with scratch_database() as connection:
            connection.execute(
                "create table ingest_datasets as select $1 as dataset, $2 as has_folder, 0 as files,"
                " 0 as rows_read, 0 as rows_loaded",
                [dataset, has_folder],
            )
            connection.execute("create table raw_payees (payout_currency varchar)")
            connection.execute("create table period as select 'USD' as currency")
            for name in ("every_dataset_has_a_folder", "datasets_have_rows"):
                expectation = next(row for row in SUITE if row.name == name)
                assert failing_rows(expectation, connection) == []


def test_a_misspelt_column_is_a_quarantined_file_that_is_named(gate: Gate) -> None:
    gate.write("post_metrics/b.csv", "post_id,observed_at,views,Ineligible_views\n")
    assert severity("no_file_is_quarantined") == "error"
    (row,) = gate.found("no_file_is_quarantined")["no_file_is_quarantined"]
    assert (row["file"], row["reason"]) == ("post_metrics/b.csv", "MISSPELT_COLUMN")
    assert row["detail"] == 'found "Ineligible_views", expected "ineligible_views"'


# Quarantined rows


@pytest.mark.parametrize("dataset", ["creators", "payees", "deals", "posts"])
def test_one_bad_row_blocks(gate: Gate, dataset: str) -> None:
    _, row = WHOLE[dataset]
    gate.add(f"{dataset}/b.csv", row.rpartition(",")[0] + ",never")
    assert severity("no_row_is_quarantined") == "error"
    (found,) = gate.found("no_row_is_quarantined")["no_row_is_quarantined"]
    assert (found["dataset"], found["column_name"]) == (dataset, "updated_at")


@pytest.mark.parametrize(("bad", "blocks"), [(1, False), (2, True)])
def test_one_bad_snapshot_in_a_thousand_passes_and_more_do_not(
    gate: Gate, bad: int, blocks: bool
) -> None:
    good = [snapshot("p1", day=number % 28 + 1) for number in range(1000 - bad)]
    gate.replace("post_metrics", *good, *["p1,never,1"] * bad)
    found = gate.found("few_rows_of_post_metrics_are_quarantined", "no_row_is_quarantined")
    assert severity("few_rows_of_post_metrics_are_quarantined") == "error"
    assert ("few_rows_of_post_metrics_are_quarantined" in found) is blocks
    assert "no_row_is_quarantined" not in found


@pytest.mark.parametrize(("loaded", "turned"), [(7, False), (6, True), (8, True)])
def test_a_row_that_was_lost_is_told(
    loaded: int, turned: bool, given: Given, failing: Failing
) -> None:
    """Ten were read, one is in quarantine, two were deleted; a file that was refused has no rows."""
    given(
        "ingest_files",
        "dataset varchar, file varchar, reason varchar, rows_read bigint, rows_loaded bigint,"
        " rows_quarantined bigint, rows_deleted bigint",
        ("posts", "a.csv", None, 10, loaded, 1, 2),
        ("posts", "b.csv", "NOT_READABLE", 10, 0, 0, 0),
    )
    rows = failing("ingest", "every_row_is_loaded_quarantined_or_deleted", "error")
    assert [row["file"] for row in rows] == ["a.csv"] * turned


def test_deleted_rows_are_accounted_for(gate: Gate) -> None:
    gate.write("posts/b.csv", WHOLE["posts"][0] + ",__deleted\n" + POST.format("p2") + ",true\n")
    assert gate.found() == {}


# Conflicts


@pytest.mark.parametrize(
    ("dataset", "header", "one", "other"),
    [
        ("policy_events", "event_id,subject_type,subject_id,policy,status,effective_at",
         "e1,post,p1,spam,violated,2024-01-01T00:00:00Z",
         "e1,post,p1,spam,cleared,2024-01-01T00:00:00Z"),
        ("fx_rates", "rate_date,base_currency,quote_currency,rate",
         "2024-01-01,USD,JPY,150", "2024-01-01,USD,JPY,151"),
        ("audience", "creator_id,observed_on,country,accounts",
         "c1,2024-01-01,US,1", "c1,2024-01-01,US,2"),
        ("creators", *WHOLE["creators"], "c1,business,US,2024-01-01T00:00:00Z"),
    ],
)  # fmt: skip
def test_rows_of_one_version_may_be_the_same_but_not_differ(
    gate: Gate, dataset: str, header: str, one: str, other: str
) -> None:
    name = f"{dataset}_rows_of_one_version_agree"
    assert severity(name) == "error"
    gate.write(f"{dataset}/b.csv", f"{header}\n{one}\n{one}\n")
    assert not gate.found(name)
    gate.write(
        f"{dataset}/c.jsonl",
        json.dumps(dict(zip(header.split(","), other.split(","), strict=True))),
    )
    (row,) = gate.found(name)[name]
    assert row["different_rows"] == 2


def test_rows_of_one_snapshot_may_differ(gate: Gate) -> None:
    """It is enough to look at the rows that decide a value (§3), which is a later gate's to do."""
    gate.add("post_metrics/b.csv", "p1,2024-04-20T00:00:00Z,11")
    assert gate.found() == {}


# Ids


IDS: Mapping[str, str | None] = {
    "1.78414E+16": "no_id_is_in_scientific_notation",
    "2E+05": "no_id_is_in_scientific_notation",
    "9.0E+100": "no_id_is_in_scientific_notation",
    "17841405309211844.0": "no_id_ends_in_point_zero",
    "0.0": "no_id_ends_in_point_zero",
    "1.78414E+1": None,
    "1.78414e+16": None,
    "1.78414E16": None,
    "1.78414E-16": None,
    "12.5E+16": None,
    "1.E+16": None,
    "E+16": None,
    "x1.5E+16": None,
    "1.5E+16x": None,
    " 1.5E+16": None,
    "1x5E+16": None,
    "17.00": None,
    "17.01": None,
    ".0": None,
    "a.0": None,
    "1.7.0": None,
}


@pytest.fixture(scope="module")
def found_of_ids(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[dict[str, object]]]:
    """What is found where each of the ids is that of a creator, in a file of its own."""
    landing = Landing(tmp_path_factory.mktemp("ids"))
    with landing.open:
        gate = Gate(landing)
        for number, id_ in enumerate(IDS):
            gate.add(f"creators/b{number}.csv", f"{id_},creator,US,2024-01-01T00:00:00Z")
        return gate.found()


@pytest.mark.parametrize(("number", "id_"), list(enumerate(IDS)))
def test_an_id_that_a_tool_took_for_a_number_is_named(
    found_of_ids: Mapping[str, list[dict[str, object]]], number: int, id_: str
) -> None:
    assert set(found_of_ids) == {name for name in IDS.values() if name}
    columns = ("dataset", "column_name", "id", "row_count", "file", "row_no")
    shown = ("creators", "creator_id", id_, 1, f"creators/b{number}.csv", 2)
    for name, rows in found_of_ids.items():
        found = [tuple(row[column] for column in columns) for row in rows if row["id"] == id_]
        assert found == ([shown] if name == IDS[id_] else [])
    named = sum(name is not None for name in IDS.values())
    assert sum(map(len, found_of_ids.values())) == named


def test_one_blocks_and_the_other_warns() -> None:
    assert severity("no_id_is_in_scientific_notation") == "error"
    assert severity("no_id_ends_in_point_zero") == "warn"


EXAMPLES = {
    Kind.IDENTIFIER: "x", Kind.CURRENCY: "USD", Kind.TIMESTAMP: "2024-01-01T00:00:00Z",
    Kind.DAY: "2024-01-01", Kind.FLAG: "true", Kind.COUNT: "1", Kind.RATE: "1", Kind.CAP: "1",
    Kind.AMOUNT: "1",
}  # fmt: skip


def write_ids(gate: Gate, dataset: Dataset, form: str, id_: str) -> None:
    """A row for each column of ids, in which that one alone is of a spreadsheet."""
    whole = {
        column.name: column.choices[0] if column.choices else EXAMPLES.get(column.kind, "x")
        for column in dataset.columns
    }
    rows = [{**whole, name: id_} for name in id_columns(dataset)]
    if form == "csv":
        lines = [",".join(row.values()) for row in rows]
        gate.write(f"{dataset.name}/z.csv", "\n".join((",".join(whole), *lines)))
    else:
        (gate.path / dataset.name).mkdir(exist_ok=True)
        flags = {column.name for column in dataset.columns if column.kind is Kind.FLAG}
        columns = {each: [True if each in flags else row[each] for row in rows] for each in whole}
        parquet.write_table(pa.table(columns), str(gate.path / dataset.name / "z.parquet"))


def id_columns(dataset: Dataset) -> list[str]:
    return sorted(column.name for column in dataset.columns if column.kind is Kind.IDENTIFIER)


@pytest.fixture(scope="module", params=["csv", "parquet"])
def found_of_columns(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, object]]:
    """What is found where every dataset has an id of its own: the ids of posts are not unknown."""
    name = "no_id_is_in_scientific_notation"
    landing = Landing(tmp_path_factory.mktemp("columns"))
    with landing.open:
        gate = Gate(landing)
        for number, dataset in enumerate(DATASETS):
            write_ids(gate, dataset, request.param, f"{number}.5E+16")
        return gate.found(name)[name]


@pytest.mark.parametrize(("number", "dataset"), list(enumerate(DATASETS)))
def test_every_column_of_ids_of_every_dataset_is_looked_at(
    found_of_columns: list[dict[str, object]], number: int, dataset: Dataset
) -> None:
    found = [
        (row["column_name"], row["id"])
        for row in found_of_columns
        if row["dataset"] == dataset.name
    ]
    assert found == [(name, f"{number}.5E+16") for name in id_columns(dataset)]


def test_the_id_of_a_deleted_row_is_looked_at(gate: Gate) -> None:
    """It would take the rows of every id with it that the spreadsheet has made one."""
    gate.write(
        "posts/b.csv", WHOLE["posts"][0] + ",__deleted\n" + POST.format("1.5E+16") + ",true\n"
    )
    name = "no_id_is_in_scientific_notation"
    (row,) = gate.found(name)[name]
    assert (row["dataset"], row["column_name"], row["id"]) == ("posts", "post_id", "1.5E+16")


# Columns that say that rows are deleted, in words that the contract does not know


SAYINGS = [
    ("is_deleted", "true", True),
    ("_deleted", "TRUE", True),
    ("is_deleted", "1", False),
    ("_deleted", "false", False),
    ("_deleted", "", False),
]
SAYING_FORMS = ("csv", "jsonl", "parquet")
SAYING_DATASETS = ("posts", "post_metrics")


def _saying_file(dataset: str, form: str, column: str, value: str) -> str:
    return f"{dataset}/b-{column}-{value}.{form}"


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, object]]]:
    """What the gate finds where each saying has a file of its own, of each dataset and form."""
    landing = Landing(tmp_path_factory.mktemp("said"))
    gate = Gate(landing)
    for dataset, form, (column, value, _) in product(SAYING_DATASETS, SAYING_FORMS, SAYINGS):
        name = _saying_file(dataset, form, column, value)
        header, row = WHOLE[dataset]
        cells: dict[str, object] = dict(zip(header.split(","), row.split(","), strict=True))
        flags = {each: text == "true" for each, text in cells.items() if text in ("true", "false")}
        if form == "csv":
            gate.write(name, f"{header},{column}\n{row},\n{row},{value}\n{row},false\n")
        elif form == "jsonl":
            lines = [{**cells, **flags, column: each or None} for each in ("", value, "false")]
            gate.write(name, "\n".join(map(json.dumps, lines)))
        else:
            is_flag = value.lower() in ("true", "false")
            values = [None, value.lower() == "true" if is_flag else value or None]
            table = {each: [text] * 2 for each, text in {**cells, **flags}.items()}
            parquet.write_table(pa.table(table | {column: values}), str(gate.path / name))
    with landing.open:
        return gate.found("no_row_says_that_it_is_deleted", "nothing_was_passed_over")


@pytest.mark.parametrize(("column", "value", "blocks"), SAYINGS)
@pytest.mark.parametrize("form", SAYING_FORMS)
@pytest.mark.parametrize("dataset", SAYING_DATASETS)
def test_an_unknown_column_that_says_that_rows_are_deleted(
    said: dict[str, list[dict[str, object]]],
    dataset: str, form: str, column: str, value: str, blocks: bool,
) -> None:  # fmt: skip
    name = _saying_file(dataset, form, column, value)
    assert severity("no_row_says_that_it_is_deleted") == "error"
    shown = [
        (row["dataset"], row["column_name"], row["row_count"])
        for row in said["no_row_says_that_it_is_deleted"]
        if row["file"] == name
    ]
    assert shown == ([(dataset, column, 1)] if blocks else [])


def test_of_what_nothing_reads_names_that_begin_with_a_line_are_not_reported(
    said: dict[str, list[dict[str, object]]],
) -> None:
    files = len(SAYING_FORMS) * sum(column == "is_deleted" for column, _, _ in SAYINGS)
    found = [
        (row["dataset"], row["subject"], row["places"]) for row in said["nothing_was_passed_over"]
    ]
    assert sorted(found) == [("post_metrics", "is_deleted", files), ("posts", "is_deleted", files)]


def test_what_a_deleted_row_says_beside_is_not_read(gate: Gate) -> None:
    row = POST.format("p2") + ",true,true\n"
    gate.write("posts/b.csv", WHOLE["posts"][0] + ",__deleted,_deleted\n" + row)
    assert gate.found() == {}


# Snapshots and posts


def posts_and_snapshots(gate: Gate, form: str, posts: Sequence[str], rows: Sequence[str]) -> None:
    """Other posts, and snapshots in the format: copied, read in place, or half of each."""
    gate.replace("posts", *posts)
    (gate.path / "post_metrics" / "a.csv").unlink(missing_ok=True)
    parts = {
        "csv": {"csv": rows},
        "parquet": {"parquet": rows},
        "both": {"csv": rows[::2], "parquet": rows[1::2]},
    }
    for kind, chosen in parts[form].items():
        if kind == "csv":
            gate.replace("post_metrics", *chosen)
        else:
            ids, instants, views = zip(*(row.split(",") for row in chosen), strict=True)
            moments = [datetime.fromisoformat(at).replace(tzinfo=None) for at in instants]
            columns = {"post_id": ids, "observed_at": moments, "views": list(map(int, views))}
            parquet.write_table(pa.table(columns), str(gate.path / "post_metrics" / "b.parquet"))


POST = "{0},c1,reel,2024-04-10T00:00:00Z,false,false,false,true,2024-04-10T00:00:00Z"


def snapshot(post_id: str, day: int = 20, hour: int = 0) -> str:
    return f"{post_id},2024-04-{day:02}T{hour:02}:00:00Z,10"


FORMS = pytest.mark.parametrize("form", ["csv", "parquet", "both"])


@FORMS
def test_there_must_be_a_snapshot_of_a_known_post(gate: Gate, form: str) -> None:
    name = "known_posts_have_snapshots"
    assert severity(name) == "error"
    posts_and_snapshots(gate, form, [POST.format("p1")], [snapshot("q1"), snapshot("q2")])
    assert gate.found(name)[name] == [{"snapshots": 0}]
    posts_and_snapshots(gate, form, [POST.format("p1")], [snapshot("q1"), snapshot("p1")])
    assert not gate.found(name)


@FORMS
@pytest.mark.parametrize(
    ("early", "late", "expected"),
    [
        (1, 99, set()),  # exactly 1 %
        (1, 98, {"few_snapshots_are_from_before_publication"}),
        (50, 50, {"few_snapshots_are_from_before_publication"}),  # exactly half
        (51, 50, {"few_snapshots_are_from_before_publication",
                  "most_snapshots_are_from_after_publication"}),
    ],
)  # fmt: skip
def test_snapshots_from_before_publication(
    gate: Gate, form: str, early: int, late: int, expected: set[str]
) -> None:
    """Of known posts only; an instant before is before, the instant itself is not."""
    rows = [snapshot("p1", 9, 23)] * early + [snapshot("p1", 10)] * late
    posts_and_snapshots(gate, form, [POST.format("p1")], [*rows, *[snapshot("nobody", 1)] * 300])
    names = (
        "few_snapshots_are_from_before_publication",
        "most_snapshots_are_from_after_publication",
    )
    found = gate.found(*names)
    assert set(found) == expected
    for name in expected:
        (row,) = found[name]
        assert (row["post_id"], row["snapshots"]) == ("p1", early)
        assert row["first_observed_at"] == datetime(2024, 4, 9, 23)
    assert [severity(name) for name in names] == ["warn", "error"]


@FORMS
def test_a_post_was_published_when_the_row_in_force_at_closes_on_says(
    gate: Gate, form: str
) -> None:
    """The period closes on 3 May; a row of the day after says otherwise, and does not count."""
    row = "p1,c1,reel,2024-04-{0:02}T00:00:00Z,false,false,false,true,2024-05-{1:02}T00:00:00Z"
    name = "most_snapshots_are_from_after_publication"
    posts_and_snapshots(
        gate, form, [row.format(21, 3), row.format(10, 4)], [snapshot("p1"), snapshot("p1")]
    )
    assert gate.found(name)
    posts_and_snapshots(
        gate, form, [row.format(10, 3), row.format(21, 4)], [snapshot("p1"), snapshot("p1")]
    )
    assert not gate.found(name)


@FORMS
@pytest.mark.parametrize("marked", [True, False])
def test_snapshots_that_are_left_out_are_not_judged(gate: Gate, form: str, marked: bool) -> None:
    """Two of three snapshots are early, and a deletion takes one of them with it."""
    rows = [snapshot("p1", 8), snapshot("p1", 9), snapshot("p1", 20), snapshot("nobody", 1)]
    posts_and_snapshots(gate, form, [POST.format("p1")], rows)
    header = WHOLE["post_metrics"][0]
    gate.write(
        "post_metrics/c.csv", f"{header},__deleted\n{snapshot('p1', 9)},{str(marked).lower()}\n"
    )
    found = gate.found("most_snapshots_are_from_after_publication", "metrics_have_known_posts")
    assert ("most_snapshots_are_from_after_publication" in found) is not marked
    (unknown,) = found["metrics_have_known_posts"]
    assert (unknown["post_id"], unknown["snapshots"]) == ("nobody", 1)


@FORMS
@pytest.mark.parametrize(("known", "warns"), [(99, False), (98, True)])
def test_snapshots_of_unknown_posts(gate: Gate, form: str, known: int, warns: bool) -> None:
    rows = [snapshot("p1", number % 20 + 10) for number in range(known)]
    posts_and_snapshots(gate, form, [POST.format("p1")], [*rows, snapshot("nobody")])
    assert severity("metrics_have_known_posts") == "warn"
    assert bool(gate.found("metrics_have_known_posts")) is warns


@pytest.mark.parametrize(("known", "warns"), [(99, False), (98, True)])
def test_posts_of_unknown_creators(gate: Gate, known: int, warns: bool) -> None:
    posts = [POST.format(f"p{number}") for number in range(1, known + 1)]
    gate.replace("posts", *posts, POST.format("q").replace(",c1,", ",nobody,"))
    assert severity("posts_have_known_creators") == "warn"
    found = gate.found("posts_have_known_creators")
    assert ("posts_have_known_creators" in found) is warns
    if warns:
        (row,) = found["posts_have_known_creators"]
        assert (row["post_id"], row["creator_id"]) == ("q", "nobody")


# What nothing reads


def test_unknown_columns_and_files_beside_the_datasets_are_named_once_each(gate: Gate) -> None:
    header, row = WHOLE["posts"]
    for name in "bcd":
        gate.write(f"posts/{name}.csv", f"{header},reach,_fivetran_synced,.x\n{row},1,2,3\n")
    gate.write("notes.txt", "x")
    gate.write("_notes.txt", "x")
    gate.write(".notes.txt", "x")
    assert severity("nothing_was_passed_over") == "warn"
    found = {
        (row["dataset"], row["kind"], row["subject"], row["places"], row["first_place"])
        for row in gate.found("nothing_was_passed_over")["nothing_was_passed_over"]
    }
    assert found == {
        ("posts", "unknown_column", "reach", 3, "posts/b.csv"),
        (None, "beside_datasets", "notes.txt", 1, "no dataset of this name"),
    }
