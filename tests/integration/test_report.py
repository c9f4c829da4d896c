"""`bonus report` over a real run: what the page says is what the published tables sum to."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from orchestration.dagster_glue.partitions import partition_key
from orchestration.publishing.store import Publication
from orchestration.reports.text import amount, count
from orchestration.reports.write import reports_folder, write_reports
from orchestration.terms.load import load_program
from tests.conftest import BonusHere
from tests.integration.books import Books
from tests.page_reader import PageReader, read_page


@pytest.fixture(scope="module")
def books(ran: Books, tmp_path_factory: pytest.TempPathFactory) -> Books:
    """A copy of the sample's two periods, run by ada; not to be changed."""
    return ran.copy(tmp_path_factory.mktemp("report") / "home")


@pytest.fixture(scope="module")
def page(books: Books) -> PageReader:
    """The page of the second period."""
    path = write_reports(books.home, books.program.program, books.periods)[books.periods[1]]
    return read_page(path.read_text("utf-8"))


def query(publication: Publication, sql: str) -> list[tuple[object, ...]]:
    """Rows over published tables, which the query names in braces."""
    names = {
        folder.name: f"read_parquet('{folder}/*.parquet')"
        for folder in publication.folder.iterdir()
    }
    with duckdb.connect() as connection:
        return connection.execute(sql.format(**names)).fetchall()


def test_ledger_sums(books: Books, page: PageReader) -> None:
    publication = books.published[books.periods[1]]
    rows = query(
        publication,
        "select payout_currency, count(*), sum(opening_balance_minor), sum(earnings_minor),"
        " sum(adjustments_minor), sum(returns_minor), sum(payable_minor), sum(withheld_minor),"
        " sum(payout_minor), sum(closing_balance_minor) from {payout_ledger} group by 1",
    )
    assert len(rows) > 1
    for currency, number, *sums in rows:
        assert page.tables[f"Ledger rows in {currency}"][-1] == [
            "All", count(number), *(amount(total, currency) for total in sums),
        ]  # fmt: skip


def test_markets_and_content_types_sum_to_what_was_earned(books: Books, page: PageReader) -> None:
    publication, currency = books.published[books.periods[1]], books.program.currency
    rows = query(
        publication,
        "select coalesce(market, 'unknown'), sum(program_amount_minor) from {payout_ledger}"
        " where fx_rate is not null group by 1 having sum(program_amount_minor) > 0",
    )
    shown = {row[0]: row[4] for row in page.tables[f"By market, in {currency}"][1:-1]}
    assert {market: amount(minor, currency) for market, minor in rows}.items() <= shown.items()
    rows = query(
        publication,
        "select content_type, sum(amount_minor) from {post_earnings}"
        " join {post_scores} using (post_id) group by 1",
    )
    assert len(rows) > 1
    shown = {row[0]: row[5] for row in page.tables[f"By content type, in {currency}"][1:-1]}
    assert {kind: amount(minor, currency) for kind, minor in rows}.items() <= shown.items()
    total = query(publication, "select sum(program_amount_minor) from {creator_earnings}")[0][0]
    assert page.tables[f"By market, in {currency}"][-1][4] == amount(total, currency)


def test_reasons_are_counted_one_by_one(books: Books, page: PageReader) -> None:
    publication = books.published[books.periods[1]]
    for what, table in (("creators", "creator_eligibility"), ("posts", "post_eligibility")):
        reasons = [row[0] for row in query(publication, f"select reasons from {{{table}}}")]
        codes = [code for text in reasons if text for code in str(text).split("|")]
        assert codes
        shown = {row[0]: (row[2], row[4]) for row in page.tables[f"Reasons of {what}"][1:]}
        assert shown == {
            code: (count(codes.count(code)), count(reasons.count(code))) for code in set(codes)
        }


def test_data_quality_is_what_the_landing_data_says(
    sample: Path, books: Books, page: PageReader
) -> None:
    deals = duckdb.read_parquet(str(sample / "landing" / "deals" / "*.parquet"))
    rows = {row[0]: row[1:] for row in page.tables["Landing data by dataset"][1:]}
    number = count(len(deals.fetchall()))
    assert rows["deals"] == ["1", number, number, "0", "0", "0"]


def test_a_page_is_written_at_publish_and_at_close_and_fails_no_run(
    sample: Path, tmp_path: Path
) -> None:
    bonus = BonusHere(sample / "program.yaml", sample / "landing", tmp_path / "home")
    books = Books(tmp_path / "home", bonus.program)  # for its periods only
    first = books.periods[0]
    assert bonus("report", first).returncode == 4
    folder = reports_folder(books.home, books.program.program)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("a file where the pages' folder should be")
    done = bonus("run", first, "--by", "ada")
    assert done.returncode == 0, done.stderr
    assert list(books.published) == [first]
    folder.unlink()
    done = bonus("run", first, "--by", "ada")
    assert done.returncode == 0, done.stderr
    path = folder / f"period={first}.html"
    assert "Estimated: it may still change." in read_page(path.read_text("utf-8")).text
    assert path.stat().st_mode & 0o077 == 0
    with dg.DagsterInstance.from_config(str(books.home.dagster)) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey("published_period"))
    assert event is not None and event.asset_materialization is not None
    assert event.asset_materialization.metadata["report"].value == str(path)
    assert bonus("close", first, "--by", "grace").returncode == 0
    at_close = path.read_bytes()
    assert "Closed by grace on" in read_page(at_close.decode()).text
    assert bonus.json("report", first) == [str(path)]
    assert path.read_bytes() == at_close
    assert bonus("report", first, "--out", "/dev/null/page.html").returncode == 2
    inside = books.published[first].folder / "page.html"
    for command in (
        ("report", first, "--out", str(inside)),
        ("report", first, "--out", str(path)),  # what the UI shows is made by runs alone
        ("report", "--out", str(inside.parent)),
        ("gates", first, "--docs", str(inside.parent)),
        ("check", "--sarif", str(inside)),
    ):
        done = bonus(*command)
        assert (done.returncode, "it lies in" in done.stderr) == (2, True), command
    assert path.read_bytes() == at_close
    assert bonus("verify").returncode == 0
    # Nor into what a run reads: a program file, and the folders of datasets.
    delivered = bonus.landing / "posts"
    there = sorted(delivered.iterdir())
    for command in (
        ("export", first, "--out", str(bonus.program.parent)),
        ("report", first, "--out", str(bonus.program)),
        ("report", first, "--out", str(delivered / "page.html")),
        ("check", "--sarif", str(there[0])),
        ("check", "--sarif", str(bonus.program)),
        ("statement", first, "--out", str(delivered)),
    ):
        assert bonus(*command).returncode == 2, command
    assert sorted(delivered.iterdir()) == there
    assert books.program == load_program(bonus.program).program
    assert bonus("run", first, "--by", "ada").returncode == 0


@pytest.mark.long  # several runs by the command line
def test_a_close_and_a_withdrawal_show_what_they_have_settled_anew(
    sample: Path, tmp_path: Path
) -> None:
    """Whoever reads the page of a later period before its close would see other amounts than are closed."""
    bonus = BonusHere(sample / "program.yaml", sample / "landing", tmp_path / "home")
    books = Books(tmp_path / "home", bonus.program)  # for its periods only
    first, second = books.periods
    for period in (first, second):
        assert bonus("run", period, "--by", "ada").returncode == 0
    page = reports_folder(books.home, books.program.program) / f"period={second}.html"

    def told() -> int:
        key = partition_key(books.program.program, second)
        asked = dg.AssetRecordsFilter(dg.AssetKey("published_period"), asset_partitions=[key])
        with dg.DagsterInstance.from_config(str(books.home.dagster)) as instance:
            return len(instance.fetch_materializations(asked, limit=10).records)

    def shows() -> bool:
        revision = books.published[second].revision
        return re.search(rf"\brevision {revision}\b", page.read_text("utf-8")) is not None

    assert shows() and told() == 1
    for times, command in enumerate(
        (
            ("withdraw", first, "--by", "bob"),
            ("run", first, "--by", "ada"),
            ("close", first, "--by", "grace"),
        ),
        2,
    ):
        revision = books.published[second].revision
        assert bonus(*command).returncode == 0
        assert books.published[second].revision > revision, command
        assert shows() and told() == times, command


def test_a_restatement_is_told_by_both_pages(whole: Books, sample: Path, tmp_path: Path) -> None:
    books = whole.copy(tmp_path / "home")
    first, second = books.periods
    landing = tmp_path / "landing"
    shutil.copytree(sample / "landing", landing)
    events = landing / "policy_events" / "late.csv"
    scored = query(
        books.published[first], "select creator_id from {creator_scores} order by points desc"
    )
    events.write_text(
        "event_id,subject_type,subject_id,policy,status,effective_at\n"
        f"zz,creator,{scored[0][0]},spam,violated,2024-04-01T00:00:00Z\n"
    )
    books.run(first, landing)
    paths = write_reports(books.home, books.program.program, [first, second])
    pages = {key: read_page(path.read_text("utf-8")) for key, path in paths.items()}
    totals = books.restated[first].record().totals.currencies
    rows = {row[0]: row for row in pages[first].tables["Posted for this period, and computed now"]}
    posted = pages[second].tables["Adjustments posted in this period"][1:]
    assert [row[:2] for row in posted] == [
        [first, currency] for currency, amounts in totals.items() if amounts["difference_minor"]
    ]
    assert posted
    for currency, amounts in totals.items():
        assert rows[currency][2] == amount(amounts["posted_minor"], currency)
