"""A quarantined row says what was found in each column that is wrong, and what was expected there."""

from __future__ import annotations

import json
from itertools import product

import pyarrow as pa
import pytest
from pyarrow import parquet

from orchestration.ingest.datasets import DATASETS, Kind
from orchestration.ingest.expected import expected
from tests.unit.ingest.conftest import Landing

GOOD = {
    "creators": {"creator_id": "c", "account_type": "creator", "market": "US",
                 "updated_at": "2024-01-01T00:00:00Z"},
    "payees": {"creator_id": "c", "payout_currency": "USD", "tax_residence": "US",
               "status": "ready", "updated_at": "2024-01-01T00:00:00Z"},
    "posts": {"post_id": "p", "creator_id": "c", "content_type": "reel",
              "published_at": "2024-01-01T00:00:00Z", "is_branded_content": "false",
              "is_collab": "false", "has_watermark": "false", "is_original": "true",
              "updated_at": "2024-01-01T00:00:00Z"},
    "post_metrics": {"post_id": "p", "observed_at": "2024-01-01T00:00:00Z", "views": "1"},
    "fx_rates": {"rate_date": "2024-01-01", "base_currency": "USD", "quote_currency": "JPY",
                 "rate": "150"},
}  # fmt: skip
WRONG = [
    ("creators", "account_type", "Creator", "UNKNOWN_VALUE", "one of creator, business, personal"),
    ("creators", "creator_id", "x" * 129, "OUT_OF_RANGE", "an id as text: 1 to 128 characters"),
    ("payees", "payout_currency", "usd", "UNKNOWN_VALUE", "a currency code of ISO 4217"),
    ("posts", "is_collab", "yes", "UNPARSEABLE", "true or false"),
    ("posts", "published_at", "2024-01-01", "UNPARSEABLE", "such as 2024-03-29T07:00:00Z"),
    ("post_metrics", "views", "1e3", "UNPARSEABLE", "a whole number from 0 to 10^15"),
    ("post_metrics", "ineligible_views", "2", "OUT_OF_RANGE", "not above views"),
    ("fx_rates", "rate_date", "01/02/2024", "UNPARSEABLE", "a day, such as 2024-03-29"),
    ("fx_rates", "rate", "0", "OUT_OF_RANGE", "a plain decimal above 0"),
]


def said(landing: Landing) -> list[tuple[str | None, str, str, str]]:
    return landing.ingest().query(
        "select column_name, reason, found, expected from quarantine_rows order by row_no"
    )


FORMS = ("csv", "jsonl", "parquet")


@pytest.fixture(scope="module")
def said_of_wrong(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, ...]]:
    """What is said of files with one wrong row each, of each form."""
    landing = Landing(tmp_path_factory.mktemp("wrong"))
    for form, (dataset, column, value, *_) in product(FORMS, WRONG):
        cells: dict[str, object] = GOOD[dataset] | {column: value}
        flags = {name: cells[name] == "true" for name in cells if cells[name] in ("true", "false")}
        name = f"{dataset}/{column}.{form}"
        if form == "csv":
            landing.write(name, ",".join(cells) + "\n" + ",".join(map(str, cells.values())))
        elif form == "jsonl":
            landing.write(name, json.dumps(cells | flags))
        else:
            (landing.path / dataset).mkdir(exist_ok=True)
            table = pa.table({each: [one] for each, one in (cells | flags).items()})
            parquet.write_table(table, str(landing.path / name))
    with landing.open:
        return landing.ingest().query(
            "select file, column_name, reason, found, expected from quarantine_rows"
        )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("dataset", "column", "value", "reason", "words"), WRONG)
def test_what_was_found_and_what_was_expected(
    said_of_wrong: list[tuple[str, ...]],
    form: str, dataset: str, column: str, value: str, reason: str, words: str,
) -> None:  # fmt: skip
    ((name, code, found, wanted),) = (
        row for file, *row in said_of_wrong if file == f"{dataset}/{column}.{form}"
    )
    if form == "jsonl" and column == "is_collab":
        value = "a value of another type"  # JSON has flags of its own
    assert (name, code, found) == (column, reason, value)
    assert words in wanted


def test_of_several_columns_each_says_its_own(landing: Landing) -> None:
    landing.write("post_metrics/a.csv", "post_id,observed_at,views\np,never,-1\n")
    instant, count = expected(DATASETS[4].columns[1]), expected(DATASETS[4].columns[2])
    assert said(landing) == [
        ("observed_at|views", "UNPARSEABLE|OUT_OF_RANGE", "never | -1", f"{instant} | {count}")
    ]


def test_what_is_wrong_with_a_row_as_a_whole(landing: Landing) -> None:
    landing.write(
        "post_metrics/a.csv",
        b'post_id,observed_at,views\np\nq,1,2,3\n"x"y,1,2\n\xff,2024-01-01T00:00:00Z,1\n,1,2\n',
    )
    landing.write("post_metrics/b.jsonl", b'[1]\n{"post_id": "\\ud800"}\n{"views": []}')
    found = [(reason, there) for _, reason, there, _ in said(landing)]
    assert sorted(found) == [
        ("NOT_UTF8", "bytes that are no UTF-8"),
        ("NOT_UTF8", "half a surrogate pair"),
        ("NULL|NULL|UNPARSEABLE", "nothing | nothing | a value of another type"),
        ("NULL|UNPARSEABLE", "nothing | 1"),
        ("RAGGED", "1 cell"),
        ("RAGGED", "4 cells"),
        ("UNPARSEABLE", "a quote or a CR within a cell"),
        ("UNPARSEABLE", "no object of JSON"),
    ]
    assert all(wanted for *_, wanted in said(landing))


def test_what_was_found_is_cut(landing: Landing) -> None:
    landing.write("post_metrics/a.csv", f"post_id,observed_at,views\np,{'é' * 500},1\n")
    ((_, _, found, _),) = said(landing)
    assert found == "é" * 200


def test_every_kind_of_column_has_words() -> None:
    columns = [column for dataset in DATASETS for column in dataset.columns]
    assert {column.kind for column in columns} == set(Kind)
    assert all(expected(column) for column in columns)
