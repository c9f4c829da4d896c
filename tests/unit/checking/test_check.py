"""`check_landing`: every mistake where it is, what was read, and the same verdict as the gate's."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from orchestration.checking.absent import ABSENT
from orchestration.checking.check import check_landing
from orchestration.checking.mistakes import Checked, Mistake
from orchestration.checking.nearest import nearest_value
from orchestration.checking.sarif import sarif_of
from orchestration.foundations.texts import nearest_name
from orchestration.ingest.datasets import DATASETS, Column, Kind
from orchestration.terms.load import LoadedProgram, load_program

PROGRAM = """
program: ours
currency: USD
markets: {US: {timezone: America/Los_Angeles}}
periods:
  - {key: april, starts_on: 2024-04-01, ends_on: 2024-04-30, closes_on: 2024-05-03,
     fx_on: 2024-05-03, pays_on: 2024-05-20}
terms:
  - version: 1
    effective_from: 2024-04-01
    eligibility: {account_types: [creator], markets: [US], content_types: [reel],
                  counts_posts: published_in_window}
    weights: {reel: {views: 1}}
    audience_value: {countries: {US: 1}, other: 1}
    payout: {method: rate, rates: {US: [{rate: 1}]}}
minimum_payout: {}
withholding:
  - {tax_residence: '*', tax_form: '*', brackets: [{rate: 0}]}
"""
FILES: Mapping[str, str] = {
    "creators/a.csv": "creator_id,account_type,market,updated_at\n"
    "c1,creator,US,2024-01-01T00:00:00Z\n",
    "payees/a.csv": "creator_id,payout_currency,tax_residence,status,updated_at\n"
    "c1,USD,US,ready,2024-01-01T00:00:00Z\n",
    "deals/a.csv": "deal_id,program,creator_id,invited_at,ends_at,updated_at\n"
    "d1,ours,c1,2024-01-01T00:00:00Z,2025-01-01T00:00:00Z,2024-01-02T00:00:00Z\n",
    "posts/a.csv": "post_id,creator_id,content_type,published_at,is_branded_content,is_collab,"
    "has_watermark,is_original,updated_at\n"
    "p1,c1,reel,2024-04-10T00:00:00Z,false,false,false,true,2024-04-10T00:00:00Z\n",
    "post_metrics/a.csv": "post_id,observed_at,views\np1,2024-04-20T00:00:00Z,10\n"
    "p1,2024-04-29T23:00:00Z,20\n",
}  # fmt: skip


class Place:
    """A program and its landing directory; whole, until a test writes something wrong."""

    def __init__(self, folder: Path) -> None:
        self.landing = folder / "landing"
        for dataset in DATASETS:
            (self.landing / dataset.name).mkdir(parents=True)
        for name, text in FILES.items():
            self.write(name, text)
        (folder / "program.yaml").write_text(PROGRAM, "utf-8")
        self.program: LoadedProgram = load_program(folder / "program.yaml")

    def write(self, name: str, text: str | bytes) -> None:
        data = text.encode() if isinstance(text, str) else text
        (self.landing / name).write_bytes(data)

    def check(self, *names: str) -> Checked:
        return check_landing(self.program, self.landing, names)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def only(checked: Checked) -> Mistake:
    (mistake,) = checked.mistakes
    return mistake


def test_what_is_whole_has_no_mistake_and_nothing_is_left(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    before = sorted(place.landing.rglob("*"))
    checked = place.check()
    assert checked.mistakes == () and checked.errors == 0
    assert list(scratch.iterdir()) == [] and sorted(place.landing.rglob("*")) == before


def test_what_was_read_of_each_dataset(place: Place) -> None:
    place.write(
        "post_metrics/b.csv", "post_id,observed_at,views,likes\np1,2024-04-12T00:00:00Z,5,\n"
    )
    place.write("post_metrics/c.jsonl", '{"post_id": "p1", "observed_at": "2024-04-13T00:00:00Z",'
                ' "views": 6, "likes": null, "__deleted": true}\n')  # fmt: skip
    read = {row.dataset: row for row in place.check().datasets}
    assert list(read) == [dataset.name for dataset in DATASETS]
    metrics = read["post_metrics"]
    counts = (metrics.files, metrics.rows_read, metrics.rows_loaded, metrics.rows_deleted)
    assert counts == (3, 4, 3, 1)
    assert (metrics.days_of, metrics.first, metrics.last) == (
        "observed_at", "2024-04-12", "2024-04-29",
    )  # fmt: skip
    assert [(absent.column, absent.files) for absent in metrics.absent] == [
        ("ineligible_views", 3), ("likes", 1), ("comments", 3), ("shares", 3), ("delivered_at", 3),
    ]  # fmt: skip
    absent = read["deals"].absent[0]
    assert (absent.column, absent.means) == (
        "activated_at", "no deal is activated, so nobody will be eligible",
    )  # fmt: skip
    assert (read["audience"].first, read["audience"].absent) == (None, ())


def test_absent_columns_of_parquet(place: Place) -> None:
    table = pa.table({"post_id": ["p1"], "observed_at": ["2024-04-21T00:00:00Z"], "views": [1],
                      "shares": pa.array([None], pa.int64())})  # fmt: skip
    parquet.write_table(table, str(place.landing / "post_metrics" / "b.parquet"))
    (metrics,) = place.check("post_metrics").datasets
    assert {absent.column: absent.files for absent in metrics.absent}["shares"] == 1


def test_every_optional_column_has_a_meaning() -> None:
    assert set(ABSENT) == {
        (dataset.name, column.name)
        for dataset in DATASETS
        for column in dataset.columns
        if column.is_optional
    }


def test_a_bad_row_is_a_mistake_for_each_column(place: Place) -> None:
    place.write("creators/b.csv", "creator_id,account_type,market,updated_at\nc2,Creators,US,now\n")
    kind, instant = place.check().mistakes
    assert (kind.severity, kind.rule, kind.dataset, kind.file, kind.line, kind.column) == (
        "error", "UNKNOWN_VALUE", "creators", "creators/b.csv", 2, "account_type",
    )  # fmt: skip
    assert (kind.found, kind.expected) == ("Creators", "one of creator, business, personal")
    assert kind.nearest == "creator"
    assert (instant.rule, instant.column, instant.found) == ("UNPARSEABLE", "updated_at", "now")


@pytest.mark.parametrize(("good", "severity"), [(999, "warning"), (998, "error")])
def test_few_bad_snapshots_warn_and_more_block(place: Place, good: int, severity: str) -> None:
    """One in a thousand, and one in 999; two good ones are there already."""
    rows = "p1,2024-04-20T00:00:00Z,10\n" * (good - 2) + "p1,2024-04-20T00:00:00Z,x\n"
    place.write("post_metrics/b.csv", f"post_id,observed_at,views\n{rows}")
    checked = place.check()
    assert only(checked).severity == severity
    assert bool(checked.errors) is (severity == "error")


def test_rows_that_contradict_each_other_are_told_with_their_places(place: Place) -> None:
    place.write("creators/b.csv", "creator_id,account_type,market,updated_at\n"
                "c2,creator,US,2024-01-01T00:00:00Z\nc1,business,US,2024-01-01T00:00:00Z\n")  # fmt: skip
    mistakes = place.check().mistakes
    assert {(each.rule, each.file, each.line) for each in mistakes} == {
        ("creators_rows_of_one_version_agree", "creators/a.csv", 2),
        ("creators_rows_of_one_version_agree", "creators/b.csv", 3),
    }
    assert all("creator_id=c1" in each.message for each in mistakes)


def test_a_column_at_fault_is_told_with_its_line_and_what_it_is_called(place: Place) -> None:
    place.write("creators/b.csv", "\ncreator_id,account_type,market,birthdate_,updated_at\n")
    place.write("payees/b.csv", "creator,payout_currency,tax_residence,updated_at\n")
    place.write("fx_rates/b.csv", "rate,rate,rate_date,base_currency,quote_currency\n")
    found = {(each.file, each.column): each for each in place.check().mistakes}
    misspelt = found["creators/b.csv", "birth_date"]
    assert (misspelt.rule, misspelt.line) == ("MISSPELT_COLUMN", 2)
    assert (misspelt.found, misspelt.expected, misspelt.nearest) == (
        "birthdate_", "a column birth_date", "birth_date",
    )  # fmt: skip
    missing = found["payees/b.csv", "creator_id"]
    assert (missing.rule, missing.line, missing.found) == ("MISSING_COLUMN", 1, "creator")
    assert missing.nearest == "creator_id"
    absent = found["payees/b.csv", "status"]
    assert (absent.found, absent.nearest) == ("none", None)
    twice = found["fx_rates/b.csv", "rate"]
    assert (twice.rule, twice.message) == (
        "DUPLICATE_COLUMN", "found rate twice, expected one column rate",
    )  # fmt: skip


def test_a_file_of_another_form_is_one_mistake(place: Place) -> None:
    place.write("posts/b.csv", FILES["posts/a.csv"].replace(",", ";"))
    place.write("deals/b.csv", "deal_id,program\n".encode("utf-16"))
    semicolons, utf16 = sorted(place.check().mistakes, key=lambda each: -len(each.dataset or ""))
    assert "found text in UTF-16, expected text in UTF-8" in semicolons.message
    assert "found semicolons between the columns, expected commas" in utf16.message


def test_what_was_passed_over_is_told_with_what_it_may_be_meant_to_be(place: Place) -> None:
    place.write("posts/b.csv", FILES["posts/a.csv"].replace(",updated_at", ",updated_at,removed")
                .replace("p1,", "p2,").replace("10T00:00:00Z\n", "10T00:00:00Z,\n"))  # fmt: skip
    (place.landing / "post_metric").mkdir()
    passed_over = {(each.dataset, each.found): each.nearest for each in place.check().mistakes}
    assert passed_over == {
        ("posts", "removed"): "removed_at",
        (None, "post_metric"): "post_metrics",
    }


def test_what_only_follows_is_not_told_beside(place: Place) -> None:
    """A dataset is empty because its only file is quarantined; without it, since nothing was delivered."""
    place.write("posts/a.csv", "post_id\n")
    assert {each.rule for each in place.check().mistakes} == {"MISSING_COLUMN"}
    (place.landing / "posts/a.csv").unlink()
    assert {each.rule for each in place.check().mistakes} == {"datasets_have_rows"}
    assert {each.rule for each in place.check("post_metrics").mistakes} == {
        "known_posts_have_snapshots", "metrics_have_known_posts",
    }  # fmt: skip


def test_a_value_of_json_of_another_type_is_shown(place: Place) -> None:
    place.write("policy_events/a.jsonl", '{"event_id": 7, "subject_type": "post", "subject_id": "p1",'
                ' "policy": "x", "status": "cleared", "effective_at": 1704067200}\n')  # fmt: skip
    event, instant = place.check().mistakes
    assert (event.column, event.found) == ("event_id", "7")
    assert (instant.found, instant.nearest) == ("1704067200", "2024-01-01T00:00:00Z")


def test_one_dataset_alone(place: Place) -> None:
    """It is held against what it needs, of which nothing else is said; folders of others may be absent."""
    place.write("creators/b.csv", "creator_id\n")
    place.write(
        "post_metrics/b.csv", "post_id,observed_at,views\n" + "q,2024-04-20T00:00:00Z,1\n" * 9
    )
    (place.landing / "audience").rmdir()
    checked = place.check("post_metrics")
    assert [row.dataset for row in checked.datasets] == ["post_metrics"]
    mistake = only(checked)
    assert (mistake.rule, mistake.severity) == ("metrics_have_known_posts", "warning")
    assert {each.dataset for each in place.check().mistakes} == {
        "audience",
        "creators",
        "post_metrics",
    }


NEAREST = [
    (Kind.CURRENCY, "usd", "USD"), (Kind.CURRENCY, "dollar", None),
    (Kind.FLAG, "yes", "true"), (Kind.FLAG, "0", "false"), (Kind.FLAG, "maybe", None),
    (Kind.COUNT, "1,234", "1234"), (Kind.COUNT, "1,23", None), (Kind.COUNT, "12.5", None),
    (Kind.DAY, "2024-04-01T00:00:00Z", "2024-04-01"), (Kind.DAY, "13/04/2024", "2024-04-13"),
    (Kind.DAY, "04/13/2024", "2024-04-13"), (Kind.DAY, "03/04/2024", None),
    (Kind.DAY, "3.4.2024", "2024-04-03"), (Kind.DAY, "2024-13-04", "2024-04-13"),
    (Kind.DAY, "2024-02-30", None), (Kind.DAY, "spring", None),
    (Kind.TIMESTAMP, "2024-04-01", "2024-04-01T00:00:00Z"),
    (Kind.TIMESTAMP, "2024-04-01 09:30", "2024-04-01T09:30:00Z"),
    (Kind.TIMESTAMP, "2024-04-01T09:30:00.1234567+02:00", "2024-04-01T09:30:00.123456+02:00"),
    (Kind.TIMESTAMP, "2024-04-01 09:30 PM", None), (Kind.TIMESTAMP, "2024-04-01x", None),
    (Kind.TIMESTAMP, "1704067200", "2024-01-01T00:00:00Z"),
    (Kind.TIMESTAMP, "1704067200123", "2024-01-01T00:00:00Z"), (Kind.TIMESTAMP, "now", None),
    (Kind.RATE, "0,92", "0.92"), (Kind.RATE, "1,000", None), (Kind.RATE, "1,000.5", "1000.5"),
    (Kind.IDENTIFIER, "x", None), (Kind.COUNT, "1,000" * 40, None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "found", "nearest"),
    NEAREST,
    ids=[f"{kind.value}-{at}" for at, (kind, *_) in enumerate(NEAREST)],
)
def test_the_nearest_right_value(kind: Kind, found: str, nearest: str | None) -> None:
    assert nearest_value(Column("c", kind), found) == nearest


def test_what_is_proposed_would_be_taken(place: Place) -> None:
    """Each nearest right value in a column of its kind; of one kind only what is proposed is told."""
    header = "post_id,observed_at,views\n"
    instants = [(f"p1,{found},1", f"p1,{right},1") for kind, found, right in NEAREST
                if right and kind is Kind.TIMESTAMP]  # fmt: skip
    counts = [(f'p1,2024-04-20T00:00:0{at}Z,"{found}"', f"p1,2024-04-20T00:00:0{at}Z,{right}")
              for at, (kind, found, right) in enumerate(NEAREST[:9]) if right and kind is Kind.COUNT]  # fmt: skip
    wrong, right = zip(*(*instants, *counts), strict=True)
    place.write("post_metrics/b.csv", header + "\n".join(wrong))
    assert len(place.check("post_metrics").mistakes) == len(wrong)
    place.write("post_metrics/b.csv", header + "\n".join(right))
    assert [each for each in place.check("post_metrics").mistakes if each.line] == []


def test_the_nearest_name() -> None:
    assert nearest_name("Bussiness", ("creator", "business", "personal")) == "business"
    assert nearest_name("other", ("creator", "business", "personal")) is None
    assert nearest_name("metrics", ("posts", "post_metrics")) == "post_metrics"
    assert nearest_name("clicks", ("views", "likes")) is None


def test_sarif(place: Place) -> None:
    place.write("creators/b c.csv", "creator_id,account_type,market,updated_at\nc2,x,US,\n")
    place.write("notes.txt", "x")
    table = pa.table({"creator_id": ["c3"], "account_type": ["x"], "market": ["US"],
                      "updated_at": ["2024-01-01T00:00:00Z"]})  # fmt: skip
    parquet.write_table(table, str(place.landing / "creators" / "d.parquet"))
    log = json.loads(json.dumps(sarif_of(place.check())))
    demand_sarif(log)
    (run,) = log["runs"]
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    assert places == [
        {"artifactLocation": {"uri": "creators/b%20c.csv"}, "region": {"startLine": 2}},
        {"artifactLocation": {"uri": "creators/b%20c.csv"}, "region": {"startLine": 2}},
        {"artifactLocation": {"uri": "creators/d.parquet"}},  # a row of Parquet is no line
        {"artifactLocation": {"uri": "notes.txt"}},
    ]
    assert [result["level"] for result in run["results"]] == ["error"] * 3 + ["warning"]


def demand_sarif(log: dict[str, Any]) -> None:
    """What SARIF 2.1.0 demands of what we write (§3.13, §3.14, §3.18, §3.19, §3.27 to §3.30, §3.49)."""
    assert set(log) == {"$schema", "version", "runs"} and log["version"] == "2.1.0"
    for run in log["runs"]:
        assert set(run) == {"tool", "results"}
        driver = run["tool"]["driver"]
        assert driver["name"]
        ids = [rule["id"] for rule in driver["rules"]]
        assert len(set(ids)) == len(ids)
        for result in run["results"]:
            assert result["ruleId"] in ids
            assert result["level"] in {"none", "note", "warning", "error"}
            assert result["message"]["text"]
            for location in result["locations"]:
                physical = location["physicalLocation"]
                uri = physical["artifactLocation"]["uri"]
                assert re.fullmatch(
                    r"(file:///)?[A-Za-z0-9._~-]([A-Za-z0-9._~/-]|%[0-9A-F]{2})*", uri
                )
                line = physical.get("region", {"startLine": 1})["startLine"]
                assert isinstance(line, int) and line >= 1


def test_a_value_that_matches_nothing_though_it_looks_meant_to_is_warned_of(place: Place) -> None:
    """It blocks nothing: a run would be green, and pay nobody."""
    for name, old, new in (
        ("creators/a.csv", ",US,", ",us,"),
        ("deals/a.csv", ",ours,", ",Ours,"),
        ("posts/a.csv", ",reel,", ",reels,"),
    ):
        place.write(name, FILES[name].replace(old, new))
    checked = place.check()
    assert checked.errors == 0
    found = [row for row in checked.mistakes if row.rule == "VALUE_MATCHES_NOTHING"]
    assert [(row.dataset, row.column, row.found, row.nearest) for row in found] == [
        ("deals", "program", "Ours", "ours"),
        ("creators", "market", "us", "US"),
        ("posts", "content_type", "reels", "reel"),
    ]
    assert found[1].said == (
        "1 creator is of the market 'us', which the program does not have, so they earn nothing;"
        " perhaps US"
    )
    assert sarif_of(checked)
    assert {row.dataset for row in place.check("posts").mistakes} == {"posts"}
