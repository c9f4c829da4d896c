"""Adjustments by hand and returned payments (§7): the worked cases, and what the gates say (§8)."""

from __future__ import annotations

import json
import re
from pathlib import Path

import duckdb
import pytest

from orchestration.pipeline.deciding import decisions_left_due
from orchestration.pipeline.refusals import GateFailed, Refused
from orchestration.pipeline.verifying import verify
from orchestration.terms.load import load_program
from tests.conftest import SHARED, BonusHere
from tests.integration.books import Books
from tests.integration.test_closing import assert_equal

CASES = sorted(path.name for path in (SHARED / "worked").glob("decisions-*")) or ["absent"]


@pytest.mark.long  # a case is some ten runs and closes; the reference takes all in `make test`
@pytest.mark.parametrize("case", CASES)
def test_decisions_case_is_equal(case: str, shared: Path, tmp_path: Path) -> None:
    """ "For n = 1, 2, ...: on `landing-n` run all periods in their order (a closed one gives a
    restatement), compare all with `expected-n`, then close the n-th period." """
    folder = shared / "worked" / case
    books = Books(tmp_path / "home", folder / "program.yaml", fast=True)
    sealed: dict[str, dict[str, bytes]] = {}
    for number, closing in enumerate(books.periods, start=1):
        for period in books.periods:
            books.run(period, folder / f"landing-{number}")
        assert_equal(books, folder / f"expected-{number}", tmp_path / f"exported-{number}")
        assert books.differences == []
        books.close(closing)
        sealed[closing] = books.files(closing)
    assert books.differences == []
    assert {period: books.files(period) for period in sealed} == sealed


# A small program of three periods, in which ada is paid and eve waits for a payee.

PROGRAM = """\
program: spring
currency: USD
markets: {US: {timezone: UTC}}
periods:
  - {key: april, starts_on: 2024-04-01, ends_on: 2024-04-30, closes_on: 2024-05-03, fx_on: 2024-05-02, pays_on: 2024-05-20}
  - {key: may, starts_on: 2024-05-01, ends_on: 2024-05-31, closes_on: 2024-06-03, fx_on: 2024-06-02, pays_on: 2024-06-20}
  - {key: june, starts_on: 2024-06-01, ends_on: 2024-06-30, closes_on: 2024-07-03, fx_on: 2024-07-02, pays_on: 2024-07-20}
terms:
  - version: 1
    effective_from: 2024-04-01
    eligibility: {account_types: [creator], markets: [US], content_types: [reel], counts_posts: any}
    weights: {reel: {views: 1}}
    audience_value: {countries: {US: 1}, other: 1}
    payout: {method: rate, rates: {US: [{rate: 10}]}}
withholding:
  - {tax_residence: '*', tax_form: '*', brackets: [{rate: 0.24}]}
"""
LANDING = {
    "creators": "creator_id,account_type,market,birth_date,updated_at\n"
    "ada,creator,US,,2024-01-01T00:00:00Z\neve,creator,US,,2024-01-01T00:00:00Z\n",
    "payees": "creator_id,payout_currency,tax_residence,tax_form,status,updated_at\n"
    "ada,USD,US,none,ready,2024-01-01T00:00:00Z\neve,USD,US,none,incomplete,2024-01-01T00:00:00Z\n",
    "deals": "deal_id,program,creator_id,invited_at,activated_at,ends_at,cap,updated_at\n"
    "d1,spring,ada,2024-01-01T00:00:00Z,2024-01-01T00:00:00Z,2025-01-01T00:00:00Z,,2024-01-01T00:00:00Z\n"
    "d2,spring,eve,2024-01-01T00:00:00Z,2024-01-01T00:00:00Z,2025-01-01T00:00:00Z,,2024-01-01T00:00:00Z\n",
    "posts": "post_id,creator_id,content_type,published_at,is_branded_content,is_collab,has_watermark,"
    "is_original,removed_at,updated_at\n"
    "p1,ada,reel,2024-04-01T00:00:00Z,false,false,false,true,,2024-04-01T00:00:00Z\n"
    "p2,eve,reel,2024-04-01T00:00:00Z,false,false,false,true,,2024-04-01T00:00:00Z\n",
    # A thousand views of each post in each period: 10 dollars.
    "post_metrics": "post_id,observed_at,views\n"
    + "".join(
        f"{post},2024-{month:02}-28T00:00:00Z,{1_000 * (month - 3)}\n"
        for post in ("p1", "p2")
        for month in (4, 5, 6)
    ),
    "audience": "",
    "policy_events": "",
    "fx_rates": "",
}
ADJUSTMENTS = "program,adjustment_id,creator_id,period,currency,amount,reason,requested_by,approved_by,updated_at"
RETURNS = "program,return_id,creator_id,period,currency,status,reason,updated_at"


class Small:
    """The books of the small program; each run reads the decisions that are landed then."""

    def __init__(self, folder: Path) -> None:
        self.landing = folder / "landing"
        for name, text in LANDING.items():
            (self.landing / name).mkdir(parents=True)
            if text:
                (self.landing / name / "rows.csv").write_text(text, encoding="utf-8")
        program = folder / "spring.yaml"
        program.write_text(PROGRAM, encoding="utf-8")
        self.books = Books(folder / "home", program, fast=True)

    def adjust(self, *rows: str) -> None:
        """Lands adjustments, instead of those before."""
        self._land("adjustments", ADJUSTMENTS, rows)

    def give_back(self, *rows: str) -> None:
        """Lands returned payments, instead of those before."""
        self._land("payment_returns", RETURNS, rows)

    def _land(self, dataset: str, header: str, rows: tuple[str, ...]) -> None:
        (self.landing / dataset).mkdir(exist_ok=True)
        text = "".join(f"{row}\n" for row in (header, *(f"spring,{row}" for row in rows)))
        (self.landing / dataset / "rows.csv").write_text(text, encoding="utf-8")

    def run(self, *periods: str) -> None:
        for period in periods:
            self.books.run(period, self.landing)

    def ledger(self, period: str, creator: str = "ada") -> tuple[str, int, int, int, int, int]:
        """Status, adjustments, returns, payable, payout and closing balance, in cents."""
        columns = (
            "status, adjustments_minor, returns_minor, payable_minor, payout_minor,"
            " closing_balance_minor"
        )
        (row,) = duckdb.execute(
            f"select {columns} from read_parquet($1) where creator_id = $2",
            [self.books.published[period].pattern("payout_ledger"), creator],
        ).fetchall()
        return row

    def posted(self, period: str) -> list[tuple[str, str, str | None, str, int]]:
        """Kind, origin, adjustment, creator and what is owed more by each decision."""
        return duckdb.execute(
            "select kind, origin_period, adjustment_id, creator_id, -amount_minor"
            " from read_parquet($1) where kind in ('manual', 'return')"
            " and account = 'payable:' || creator_id order by all",
            [self.books.published[period].pattern("journal")],
        ).fetchall()


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return Small(tmp_path)


def test_without_the_two_folders_nothing_is_decided(small: Small) -> None:
    small.run("april")
    assert small.ledger("april") == ("paid", 0, 0, 1_000, 760, 0)
    assert small.ledger("april", "eve") == ("held", 0, 0, 1_000, 0, 1_000)


def test_from_an_adjustment_to_a_payout_that_comes_back_and_is_paid_again(small: Small) -> None:
    """april is adjusted by hand, paid and closed; the payout comes back, and may pays it again."""
    small.adjust("a1,ada,april,USD,2.50,a lost reel,bo,cy,2024-05-01T00:00:00Z")
    small.run("april", "may")
    assert small.posted("april") == [("manual", "april", "a1", "ada", 250)]
    assert small.posted("may") == []
    assert small.ledger("april") == ("paid", 250, 0, 1_250, 950, 0)
    small.books.close("april")
    small.give_back("r1,ada,april,USD,returned,account closed,2024-05-25T00:00:00Z")
    small.run("may")
    assert small.posted("may") == [("return", "april", None, "ada", 1_250)]
    # withheld anew from all of it
    assert small.ledger("may") == ("paid", 0, 1_250, 2_250, 1_710, 0)
    small.books.close("may")
    # It had arrived after all: what may has paid again is owed back.
    small.give_back(
        "r1,ada,april,USD,returned,account closed,2024-05-25T00:00:00Z",
        "r1,ada,april,USD,withdrawn,,2024-06-25T00:00:00Z",
    )
    small.run("june")
    assert small.posted("june") == [("return", "april", None, "ada", -1_250)]
    assert small.ledger("june") == ("carried", 0, -1_250, -250, 0, -250)
    assert small.books.differences == []


def test_a_correction_that_an_earlier_period_has_read_is_not_undone_by_a_later_one(
    small: Small,
) -> None:
    small.adjust("a1,ada,april,USD,2.50,a lost reel,bo,cy,2024-05-01T00:00:00Z")
    small.run("april", "may")
    small.adjust(
        "a1,ada,april,USD,2.50,a lost reel,bo,cy,2024-05-01T00:00:00Z",
        "a1,ada,april,USD,3.50,two lost reels,bo,cy,2024-05-02T00:00:00Z",
    )
    small.run("april")
    assert small.posted("april") == [("manual", "april", "a1", "ada", 350)]
    assert small.posted("may") == []  # its own run has read only 2.50
    assert small.books.differences == []


def test_a_row_that_is_gone_from_the_landing_data_counts_as_an_earlier_period_has_read_it(
    small: Small,
) -> None:
    small.adjust("a1,ada,april,USD,2.50,a lost reel,bo,cy,2024-05-01T00:00:00Z")
    small.run("april")
    small.books.close("april")
    small.adjust()
    small.run("may")
    assert small.posted("may") == []
    small.adjust("a1,ada,april,USD,2.50,a lost reel,bo,,2024-06-01T00:00:00Z")
    small.run("may")
    assert small.posted("may") == [("manual", "april", "a1", "ada", -250)]
    assert small.books.differences == []


def test_settling_anew_needs_no_landing_data_and_takes_back_what_an_earlier_period_posts(
    small: Small,
) -> None:
    """May has posted for a period that was closed; then april is run for the first time."""
    small.adjust("a1,ada,april,USD,2.50,a lost reel,bo,cy,2024-05-01T00:00:00Z")
    small.run("may")
    assert small.posted("may") == [("manual", "april", "a1", "ada", 250)]
    small.run("april")
    assert small.posted("april") == [("manual", "april", "a1", "ada", 250)]
    assert small.posted("may") == []
    small.books.withdraw("april")
    assert small.posted("may") == [("manual", "april", "a1", "ada", 250)]
    assert small.books.differences == []


def test_a_withdrawn_period_may_leave_the_program_with_its_adjustment_posted(
    small: Small, tmp_path: Path
) -> None:
    """`bonus verify` recounts a period by the periods that its own run has found, as it was settled."""
    small.adjust("a1,ada,april,USD,2.50,a lost reel,bo,cy,2024-05-01T00:00:00Z")
    small.run("april", "may", "june")
    small.books.withdraw("april")
    assert small.posted("may") == [("manual", "april", "a1", "ada", 250)]
    shorter = tmp_path / "shorter.yaml"
    shorter.write_text(re.sub(r"  - \{key: april.*\n", "", PROGRAM), encoding="utf-8")
    program = load_program(shorter).program
    assert [period.key for period in program.periods] == ["may", "june"]
    assert verify(small.books.home, program).differences == []


@pytest.mark.long  # tests/proof draws such orders in `make test`
def test_the_order_of_runs_decides_nothing(small: Small, tmp_path: Path) -> None:
    rows = (
        "a1,ada,may,USD,2.50,x,bo,cy,2024-05-01T00:00:00Z",
        "a1,ada,may,USD,-1.00,x,bo,cy,2024-06-04T00:00:00Z",
        "a2,nobody,april,USD,7,x,bo,cy,2024-06-01T00:00:00Z",
        "a3,eve,april,JPY,70,x,bo,cy,2024-05-01T00:00:00Z",
        "a3,eve,april,USD,0.70,x,bo,cy,2024-06-01T00:00:00Z",
    )
    small.adjust(*rows)
    small.run("april", "may", "june")
    assert small.posted("may") == [
        ("manual", "april", "a2", "nobody", 700),
        ("manual", "april", "a3", "eve", -70),
        ("manual", "april", "a3", "eve", 70),
        ("manual", "may", "a1", "ada", 250),
    ]
    assert small.posted("june") == [("manual", "may", "a1", "ada", -350)]
    (tmp_path / "other").mkdir()
    other = Small(tmp_path / "other")
    other.adjust(*rows)
    other.run("june", "april", "may")
    for period in small.books.periods:
        for table in ("payout_ledger", "journal", "settlement_adjustments"):
            name = f"{table}/part-0.parquet"
            assert small.books.files(period)[name] == other.books.files(period)[name]


# Gates (§8)


def blocked(small: Small, period: str) -> tuple[str, str, list[str]]:
    """Period, stage and expectations of the gate that stops a run."""
    with pytest.raises(GateFailed) as stopped:
        small.run(period)
    failure = stopped.value
    return failure.period, failure.stage, [row.name for row in failure.result.results if row.blocks]


def test_who_requests_an_adjustment_may_not_approve_it(small: Small) -> None:
    small.adjust("a1,ada,april,USD,1,x,Bo,bo.,2024-05-03T00:00:00Z")
    assert blocked(small, "april") == (
        "april",
        "staging",
        ["adjustments_are_approved_by_somebody_else"],
    )
    # Not there yet at closes_on; of another program; corrected since.
    small.adjust("a1,ada,april,USD,1,x,Bo,bo.,2024-05-03T00:00:00.000001Z")
    small.run("april")
    small.adjust(
        "a1,ada,april,USD,1,x,Bo,bo.,2024-05-02T00:00:00Z",
        "a1,ada,april,USD,1,x,Bo,cy,2024-05-03T00:00:00Z",
    )
    small.run("april")
    assert small.posted("april") == [("manual", "april", "a1", "ada", 100)]


@pytest.mark.parametrize("period", ["march", "April"])
def test_a_decision_is_of_a_period_of_the_program(small: Small, period: str) -> None:
    small.adjust(f"a1,ada,{period},USD,1,x,bo,,2024-05-03T00:00:00Z")
    expected = ("april", "staging", ["adjustments_are_of_a_period_of_the_program"])
    assert blocked(small, "april") == expected
    small.adjust()
    small.give_back(f"r1,ada,{period},USD,withdrawn,,2024-05-03T00:00:00Z")
    expected = ("april", "staging", ["returns_are_of_a_period_of_the_program"])
    assert blocked(small, "april") == expected
    small.give_back(f"r1,ada,{period},USD,withdrawn,,2024-05-03T00:00:00.000001Z")
    small.run("april")


def test_a_returned_payout_is_one_of_an_earlier_period(small: Small) -> None:
    small.run("april", "may")
    small.books.close("april")
    wrong = ("may", "ledger", ["returned_payouts_were_paid_before"])
    small.give_back("r1,ada,may,USD,returned,,2024-06-03T00:00:00Z")
    assert blocked(small, "may") == wrong
    small.give_back("r1,ada,june,USD,returned,,2024-06-03T00:00:00Z")
    assert blocked(small, "may") == wrong
    small.give_back("r1,ada,may,USD,withdrawn,,2024-06-03T00:00:00Z")
    small.run("may")
    small.give_back("r1,ada,may,USD,returned,,2024-06-03T00:00:00.000001Z")
    small.run("may")
    assert small.posted("may") == []


def test_a_returned_payout_was_paid(small: Small) -> None:
    small.run("april", "may")
    # Not closed yet: a warning, since it may be paid.
    small.give_back("r1,eve,april,USD,returned,,2024-06-03T00:00:00Z")
    small.run("may")
    assert small.posted("may") == []
    small.give_back()
    small.run("may")
    small.books.close("april")
    small.give_back("r1,eve,april,USD,returned,,2024-06-03T00:00:00Z")
    wrong = ("may", "ledger", ["returned_payouts_were_paid_before"])
    assert blocked(small, "may") == wrong
    small.give_back("r1,ada,april,JPY,returned,,2024-06-03T00:00:00Z")
    assert blocked(small, "may") == wrong


def test_a_close_after_which_a_returned_payout_is_one_that_was_not_paid_is_refused(
    small: Small,
) -> None:
    """§7: "Whatever is settled anew passes the ledger gate too: where it does not hold ... the close
    is refused" """
    small.run("april")
    small.give_back("r1,eve,april,USD,returned,,2024-06-03T00:00:00Z")
    small.run("may")
    with pytest.raises(GateFailed) as stopped:
        small.books.close("april")
    assert (stopped.value.period, stopped.value.stage) == ("may", "ledger")
    assert small.books.published["april"].seal is None


def test_a_row_changed_without_a_later_version_is_told(small: Small) -> None:
    small.adjust("a1,ada,april,USD,2.50,x,bo,cy,2024-05-01T00:00:00Z")
    small.run("april")
    small.books.close("april")
    small.adjust("a1,ada,april,USD,3.50,x,bo,cy,2024-05-01T00:00:00Z")
    assert blocked(small, "may") == ("may", "ledger", ["decisions_of_one_version_agree"])
    small.adjust("a1,ada,april,USD,3.50,x,bo,cy,2024-05-01T00:00:01Z")
    small.run("may")
    assert small.posted("may") == [("manual", "april", "a1", "ada", 100)]


def test_what_was_posted_must_have_a_row(small: Small) -> None:
    """The rows that a period has read are a file of it: one that is gone is a change of the home."""
    small.adjust("a1,ada,april,USD,2.50,x,bo,cy,2024-05-01T00:00:00Z")
    small.run("april")
    (small.books.published["april"].table("settlement_adjustments")).unlink()
    with pytest.raises(Refused, match="settlement_adjustments"):
        small.run("may")
    assert any("settlement_adjustments" in each for each in small.books.differences)
    assert any("expected 0" in each for each in small.books.differences)


def left_due(small: Small) -> list[tuple[str, str, str | None, str, int]]:
    """What `bonus status` says of it: kind, origin, adjustment, creator, cents."""
    books = small.books
    found = decisions_left_due(books.program, books.published, books.restated)
    return [
        (one.kind, one.origin_period, one.adjustment_id, one.creator_id, one.amount_minor)
        for one in found
    ]


def test_what_no_open_period_could_post_is_left_due(small: Small) -> None:
    """The last period is closed: what comes then is seen by a restatement alone."""
    small.adjust("a1,ada,april,USD,2.50,a lost reel,bo,cy,2024-05-01T00:00:00Z")
    for period in ("april", "may", "june"):
        small.run(period)
        assert left_due(small) == []
        small.books.close(period)
    assert left_due(small) == []
    small.give_back("r1,ada,june,USD,returned,account closed,2024-07-25T00:00:00Z")
    small.adjust(
        "a1,ada,april,USD,2.50,a lost reel,bo,cy,2024-05-01T00:00:00Z",
        "a1,ada,april,USD,3.00,a lost reel,bo,cy,2024-07-25T00:00:00Z",
        "a2,eve,june,USD,-1.00,paid by hand,bo,,2024-07-25T00:00:00Z",
    )
    small.run("june")
    assert left_due(small) == [
        ("manual", "april", "a1", "ada", 50),
        ("return", "june", None, "ada", 1_000),
    ]
    bonus = BonusHere(small.books.loaded.path, small.landing, small.books.home.path)
    done = bonus("status")
    assert "no open period could post: 0.50 USD to ada, adjustment a1 of april" in done.stdout
    assert (
        "no open period could post: 10.00 USD to ada, the payout of june, which came back"
        in done.stdout
    )
    found = json.loads(bonus("status", "--json").stdout)["left_due"]
    assert [one["amount_minor"] for one in found] == [50, 1_000]
    small.books.published["april"].table("journal").chmod(0o600)
    small.books.published["april"].table("journal").write_bytes(b"no Parquet")
    assert "not known what is left due; see bonus verify" in bonus("status").stdout
