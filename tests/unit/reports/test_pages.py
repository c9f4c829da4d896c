"""A period's page and the overview, over rows published by hand: figures, escaping, bytes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from expectations.suite import GateResult, Result
from orchestration.pipeline.run_state import RunState
from orchestration.pipeline.work_file import WorkFile
from orchestration.reports.terms_changes import TermsChange, changes_for_period, terms_changes
from orchestration.reports.write import page_name, reports_folder, write_asked, write_reports
from orchestration.terms.load import parse_program
from orchestration.terms.reasons import CREATOR_REASONS, POST_REASONS, STATUS_REASONS
from tests.conftest import ROOT
from tests.page_reader import PageReader, read_page
from tests.unit.reports.conftest import CONTENT, INPUTS, MARKET, POST, PROGRAM, HandMade


@pytest.fixture
def html(march: HandMade) -> str:
    """The page of march."""
    return write_reports(march.home, march.program, ["march"])["march"].read_text("utf-8")


@pytest.fixture
def page(html: str) -> PageReader:
    return read_page(html)


def test_money_by_market_and_content_type(page: PageReader) -> None:
    assert page.tables["By market, in USD"][1:] == [
        ["JP", "2", "2", "42", "4.00", "100.0 %"],  # 42.5 points, half to even
        [MARKET, "1", "0", "0", "0.00", "0.0 %"],
        ["All", "3", "2", "42", "4.00", ""],
    ]
    assert page.tables["By content type, in USD"][1:] == [
        [CONTENT, "2", "2", "4,000", "42", "3.50", "87.5 %"],
        ["photo", "1", "0", "0", "0", "0.00", "0.0 %"],
        ["Milestones", "", "", "", "", "0.50", "12.5 %"],
        ["All", "3", "2", "4,000", "42", "4.00", ""],
    ]


def test_what_is_paid_and_carried(page: PageReader) -> None:
    assert page.tables["Ledger rows in JPY"][1:] == [
        ["carried: below minimum", "1", "0", "151", "0", "0", "151", "0", "0", "151"],
        ["All", "1", "0", "151", "0", "0", "151", "0", "0", "151"],
    ]
    assert page.tables["Ledger rows in USD"][1] == [
        "paid", "1", "0.00", "3.00", "0.00", "10.00", "13.00", "1.30", "11.70", "0.00",
    ]  # fmt: skip


def test_distribution_caps_and_reasons(page: PageReader) -> None:
    assert "what eligible creators earned: 0.250" in page.text  # of 1.00 and 3.00
    assert page.tables["Payouts by currency"][1:] == [
        ["USD", "1", "11.70", "11.70", "11.70", "11.70", "11.70", "0.000"]
    ]
    assert page.tables["Caps of the terms in USD; a deal may have a lower one"][1:] == [
        ["JP", "1,500.00", "1", "50.0 %"]
    ]
    reasons = page.tables["Reasons of creators"][1:]
    assert [[row[0], *row[2:]] for row in reasons] == [
        ["MARKET", "1", "33.3 %", "0"],
        ["UNDER_AGE", "1", "33.3 %", "0"],
    ]
    assert [row[0] for row in page.tables["Reasons of posts"][1:]] == ["CREATOR_INELIGIBLE"]


def test_gates_data_and_inputs(page: PageReader) -> None:
    assert page.tables["Gates of the published run"][1:] == [["staging", "1 of 2", "0", "1", "3"]]
    assert page.tables["staging: few_posts_lose_counts, the first 1 of 3 rows"] == [
        ["post_id", "views_last"],
        [POST, "1"],
    ]
    assert page.tables["Landing data by dataset"][1:] == [
        ["posts", "2", "1,200", "1,192", "1", "7", "0"]
    ]
    assert page.tables["Posts in play: 200"][1:3] == [
        ["Late: not seen in the last 48 hours of the window", "1", "0.5 %"],
        ["Falling: fewer views at the end than before", "3", "1.5 %"],
    ]
    assert [row[2] for row in page.tables["SHA-256 of what went in"][1:]] == [
        INPUTS.program_sha256, "a" * 64, "c" * 64, "d" * 64,
    ]  # fmt: skip


def test_change_from_the_period_before(march: HandMade) -> None:
    march.publish(
        "april",
        creator_eligibility=[{"creator_id": "b", "market": "JP", "eligible": True}],
        creator_earnings=[{"creator_id": "b", "market": "JP", "program_amount_minor": 500}],
        creator_scores=[{"creator_id": "b", "market": "JP"}],
        payout_ledger=[
            {"creator_id": "b", "payout_currency": "USD", "status": "paid", "payout_minor": 100}
        ],
    )
    paths = write_reports(march.home, march.program, ["april"])
    page = read_page(paths["april"].read_text("utf-8"))
    changes = {row[0]: row[1:] for row in page.tables["april against march"][1:]}
    assert changes["Creators"] == ["3", "1", "−2", "−66.7 %"]
    assert changes["Earned in USD"] == ["4.00", "5.00", "+1.00", "+25.0 %"]
    assert changes["Paid out in USD"] == ["11.70", "1.00", "−10.70", "−91.5 %"]
    assert "Of the budget of USD 500.00, USD 5.00 is used (1.0 %); USD 495.00 is left." in page.text
    assert "Version 2 began within the period" in page.text


def test_a_page_fetches_nothing_and_runs_nothing(html: str, page: PageReader) -> None:
    assert "<script" not in html
    assert not re.search(r"https?:|//[a-z]|url\(|@import|javascript:", html)
    assert "script" not in page.tags
    assert not [name for _, name, _ in page.attributes if name.startswith("on") or name == "src"]
    targets = [value for _, name, value in page.attributes if name == "href"]
    assert targets
    assert all(value == "index.html" or value.startswith("#") for value in targets)
    assert len(html.encode()) < 500_000


def test_names_and_ids_cannot_turn_the_text_around(html: str, page: PageReader) -> None:
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f\x7f-\x9f]", html)
    assert "ada <script>\\u202e" in page.text


def test_headings_tables_and_figures_are_named(page: PageReader) -> None:
    assert page.tags.count("h1") == 1
    assert page.tags.count("caption") == page.tags.count("table")
    scopes = [value for tag, name, value in page.attributes if (tag, name) == ("th", "scope")]
    assert len(scopes) == page.tags.count("th")
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert page.tags.count("figcaption") == page.tags.count("figure") > 4
    # A bar says nothing that the label and the amount beside it do not say.
    unread = [name for tag, name, _ in page.attributes if (tag, name) == ("svg", "aria-hidden")]
    assert len(unread) == page.tags.count("svg") > 4


def test_the_same_home_gives_the_same_bytes(march: HandMade) -> None:
    def pages() -> dict[str, bytes]:
        write_reports(march.home, march.program, ["march"])
        folder = reports_folder(march.home, march.program)
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    first = pages()
    assert set(first) == {"index.html", "period=march.html"}
    assert pages() == first


def test_pages_that_are_missing_are_written_too(march: HandMade) -> None:
    march.publish("april")
    write_reports(march.home, march.program, ["april"])
    folder = reports_folder(march.home, march.program)
    overview = read_page((folder / "index.html").read_text("utf-8"))
    targets = [value for tag, name, value in overview.attributes if (tag, name) == ("a", "href")]
    assert page_name("march") in targets
    assert all((folder / target).is_file() for target in targets if not target.startswith("#"))


def test_a_page_that_shows_another_version_is_written_too(march: HandMade) -> None:
    """A run that died behind its switch has written none."""
    march.publish("april")
    path = write_reports(march.home, march.program, ["april"])["march"]
    assert "revision 1." in path.read_text("utf-8")
    march.publish("march")
    assert {*write_reports(march.home, march.program, ["april"])} == {"march", "april"}
    assert "revision 3." in path.read_text("utf-8")
    assert {*write_reports(march.home, march.program, ["april"])} == {"april"}


def test_the_page_of_what_was_withdrawn_goes(march: HandMade) -> None:
    """It would say for good that the period may be closed, and its neighbours would lead to it."""
    march.publish("april")
    write_reports(march.home, march.program, ["april"])
    store, folder = march.home.store(march.program), reports_folder(march.home, march.program)
    assert page_name("april") in (folder / page_name("march")).read_text("utf-8")
    store.switch({}, {}, withdrawn=["april"])
    write_reports(march.home, march.program, [])
    assert {path.name for path in folder.iterdir()} == {"index.html", page_name("march")}
    assert page_name("april") not in (folder / page_name("march")).read_text("utf-8")
    store.switch({}, {}, withdrawn=["march"])
    assert write_reports(march.home, march.program, []) == {}
    assert list(folder.iterdir()) == []


def test_a_period_without_any_creator_has_a_page(books: HandMade) -> None:
    books.publish("march")
    html = write_reports(books.home, books.program, ["march"])["march"].read_text("utf-8")
    page = read_page(html)
    assert "All creators and posts were eligible." in page.text
    assert "what eligible creators earned: –" in page.text


def test_many_markets_and_content_types_stay_one_page(books: HandMade) -> None:
    """Both are ids of any kind: a hostile delivery may hold as many as it has rows."""
    numbers = range(3000)
    books.publish(
        "march",
        creator_eligibility=[
            {"creator_id": f"c{no}", "market": "\u202e" * 120 + str(no), "reasons": "MARKET"}
            for no in numbers
        ],
        post_eligibility=[
            {"post_id": f"p{no}", "creator_id": "c1", "content_type": "<" * 120 + str(no)}
            | {"reasons": "CREATOR_INELIGIBLE"}
            for no in numbers
        ],
    )
    html = write_reports(books.home, books.program, ["march"])["march"].read_text("utf-8")
    assert len(html.encode()) < 500_000
    rows = read_page(html).tables["By market, in USD"]
    assert rows[-2][:2] == ["2,975 others", "2,975"]


def test_a_page_to_pass_on_leads_nowhere(march: HandMade, tmp_path: Path) -> None:
    files = write_asked(march.home, march.program, "march", tmp_path / "new" / "page.html")
    assert files == [tmp_path / "new" / "page.html"]
    page = read_page(files[0].read_text("utf-8"))
    targets = [value for _, name, value in page.attributes if name == "href"]
    assert all(value.startswith("#") for value in targets)
    assert [path.name for path in files[0].parent.iterdir()] == ["page.html"]


def test_the_overview_goes_to_a_file_or_a_folder(march: HandMade, tmp_path: Path) -> None:
    folder, file = tmp_path / "all", tmp_path / "some" / "all.html"
    for out, overview in ((folder, folder / "index.html"), (file, file)):
        written = write_asked(march.home, march.program, None, out)
        assert written == [overview, overview.with_name("period=march.html")]
        assert 'href="period=march.html"' in overview.read_text("utf-8")
    assert f'href="{file.name}"' in file.with_name("period=march.html").read_text("utf-8")


def test_terms_changes_by_hand() -> None:
    program = parse_program(PROGRAM.encode(), "program.yaml")
    assert terms_changes(program, 0) == []
    assert terms_changes(program, 1) == [
        TermsChange("eligibility.minimum_views", "0", "7"),
        TermsChange("payout.cap.JP", "1500", None),
        TermsChange("payout.rates.JP[1].rate", "0.1", "0.2"),
        TermsChange(f"weights.{CONTENT}.likes", "0", "2.5"),
    ]


def test_a_list_that_is_empty_is_as_one_that_is_not_there() -> None:
    without = parse_program(PROGRAM.encode(), "program.yaml")
    paid = "cap: {JP: 1500}, milestones: [{content_type: reel, posts: 2, amount: 5}]}"
    content = PROGRAM.replace("cap: {JP: 1500}}", paid).replace(
        "{content_type: reel", f"{{content_type: {CONTENT}"
    )
    changes = changes_for_period(without, parse_program(content.encode(), "program.yaml"), "march")
    where = f"terms from {without.terms[0].effective_from}: payout.milestones[1]"
    assert changes == [
        TermsChange(f"{where}.amount", None, "5"),
        TermsChange(f"{where}.content_type", None, CONTENT),
        TermsChange(f"{where}.posts", None, "2"),
    ]


def test_pages_are_made_without_dagster() -> None:
    files = list((ROOT / "orchestration" / "reports").glob("*.py"))
    assert files
    assert not [path for path in files if "dagster" in path.read_text("utf-8").casefold()]


@pytest.mark.parametrize(
    ("model", "known"),
    [("creator_eligibility", CREATOR_REASONS), ("post_eligibility", POST_REASONS)],
)
def test_every_reason_of_the_models_has_words(model: str, known: dict[str, str]) -> None:
    sql = (ROOT / "dbt_project" / "models" / "eligibility" / f"{model}.sql").read_text("utf-8")
    assert set(re.findall(r"'([A-Z]+(?:_[A-Z]+)*)'", sql)) == set(known)


def test_every_status_reason_has_words() -> None:
    source = (ROOT / "orchestration" / "ledger" / "settlement.py").read_text("utf-8")
    assert 'f"PAYEE_{' in source
    of_payees = {"PAYEE_INCOMPLETE", "PAYEE_BLOCKED"}
    assert set(re.findall(r'"([A-Z]+_[A-Z]+)"', source)) | of_payees == set(STATUS_REASONS)


def test_what_came_after_the_published_run_is_told(march: HandMade) -> None:
    """A later run that was not published, and landing data that no run has read."""
    home, program = march.home, march.program
    (home.path / "p.yaml").write_text(PROGRAM + "# newer\n")
    (home.path / "landing" / "posts").mkdir(parents=True)
    home.register(program, home.path / "p.yaml", home.path / "landing")
    folder = home.last_run_folder(program, "march")
    work = WorkFile(home.path / "work" / program / "march")
    state = RunState(home.path, folder, work)
    state.begin_reading(program, "march", "run-2", "eve <script>", b"")
    failed = Result("rows", "raw_payees", "error", "a row is bad", "failed", 1)
    state.record("ingest", GateResult("ingest", (failed,)))
    paths = write_reports(home, program, ["march"])
    for path in (paths["march"], reports_folder(home, program) / "index.html"):
        text = read_page(path.read_text("utf-8")).text
        assert "run-2, started by eve <script>) was blocked: the ingest gate has not held" in text
        assert "The landing data and the program file changed after " in text
        assert "It can be closed from" not in text
    text = read_page(paths["march"].read_text("utf-8")).text
    assert "It cannot be closed before it is run again." in text


def test_who_earned_most_and_what_is_paid_in_all(books: HandMade) -> None:
    """USD 11.70 at rate 1, JPY 2,999 at 150: 19.9933; GBP 1.00 at 0.8: 1.25; in all 32.94."""
    payouts = [("a", "USD", 1170, "1"), ("b", "JPY", 2999, "150"), ("c", "GBP", 100, "0.8")]
    books.publish(
        "march",
        payout_ledger=[
            {"creator_id": creator, "payout_currency": currency, "status": "paid", "fx_rate": rate,
             "payable_minor": minor, "payout_minor": minor}
            for creator, currency, minor, rate in payouts
        ],
        creator_earnings=[
            {"creator_id": f"c{number:02}", "market": "JP", "points": "1",
             "program_amount_minor": number // 2}
            for number in range(24)
        ],
    )  # fmt: skip
    page = read_page(
        write_reports(books.home, books.program, ["march"])["march"].read_text("utf-8")
    )
    assert "Paid out in all currencies32.94in USD, at the period's rates" in page.text
    rows = page.tables["The 10 that earned most, in USD"][1:]
    # The same amount by id, and the eleventh is left out.
    assert [row[0] for row in rows[:4]] == ["c22", "c23", "c20", "c21"]
    assert [row[3] for row in rows[:3]] == ["0.11", "0.11", "0.10"]
    assert len(rows) == 10


def test_a_page_leads_to_the_period_before_and_after(march: HandMade) -> None:
    paths = write_reports(march.home, march.program, ["march"])

    def targets() -> list[str]:
        page = read_page(paths["march"].read_text("utf-8"))
        found = [value for _, name, value in page.attributes if name == "href"]
        return [value for value in found if not value.startswith("#")]

    assert targets() == ["index.html"]
    march.publish("april")
    # Its neighbour is written anew, once: it leads to a page that was not there before.
    april = write_reports(march.home, march.program, ["april"])
    assert set(april) == {"april", "march"}
    assert targets() == ["index.html", page_name("april")]
    assert set(write_reports(march.home, march.program, ["april"])) == {"april"}


def test_only_the_first_period_waits_for_no_other(march: HandMade) -> None:
    march.publish("april")
    paths = write_reports(march.home, march.program, ["march", "april"])
    text = {key: read_page(path.read_text("utf-8")).text for key, path in paths.items()}
    assert "can be closed from 2024-04-03 on, by someone other than" in text["march"]
    after = "can be closed from 2024-05-03 on, after the periods before it, by someone other than"
    assert after in text["april"]


def test_the_overview_tells_of_a_blocked_run_of_what_was_never_published(march: HandMade) -> None:
    home, program = march.home, march.program
    (home.path / "p.yaml").write_text(PROGRAM)
    home.register(program, home.path / "p.yaml", None)
    work = WorkFile(home.path / "work" / program / "april")
    state = RunState(home.path, home.last_run_folder(program, "april"), work)
    state.begin_reading(program, "april", "run-2", "eve", b"")
    failed = Result("rows", "raw_payees", "error", "a row is bad", "failed", 1)
    state.record("ingest", GateResult("ingest", (failed,)))
    write_reports(home, program, ["april"])
    text = read_page((reports_folder(home, program) / "index.html").read_text("utf-8")).text
    assert "The last run of april (run-2, started by eve) was blocked: the ingest" in text
