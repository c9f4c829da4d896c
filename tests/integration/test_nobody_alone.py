"""Nobody gets money through alone, and nothing is sealed or carried on that was not compared (§7).

Each test is an attack that once went through.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from orchestration.foundations.cursors import scratch_database
from orchestration.pipeline.close_log import CloseLog
from orchestration.pipeline.home import Home
from orchestration.pipeline.ingesting import ingest
from orchestration.pipeline.later_runs import later_run
from orchestration.pipeline.period_run import PeriodRun
from orchestration.pipeline.refusals import GateFailed, Refused
from orchestration.publishing.store import Publication
from orchestration.records import CloseEntry, Worker
from tests.integration.books import Books


@pytest.fixture
def books(ran: Books, tmp_path: Path) -> Books:
    """A copy of them, to be robbed."""
    return ran.copy(tmp_path / "home")


@pytest.fixture
def more_views(sample: Path, tmp_path: Path) -> Path:
    """The sample's landing data, and a late delivery that gives each seen post more views."""
    landing = tmp_path / "more-views"
    shutil.copytree(sample / "landing", landing)
    source = str(landing / "post_metrics" / "**" / "*.parquet")
    target = landing / "post_metrics" / "late.parquet"
    with scratch_database() as connection:
        connection.execute(
            "copy (select * replace (views + 9000000 as views,"
            " cast('2090-01-01' as timestamp) as delivered_at)"
            f" from read_parquet('{source}', union_by_name = true)) to '{target}'"
        )
    return landing


def rewrite(publication: Publication, table: str, selected: str) -> None:
    """Replaces a published table by what `selected` makes of it (`{file}`)."""
    path = publication.table(table)
    fresh = path.with_suffix(".new")
    with scratch_database() as connection:
        query = selected.format(file=f"read_parquet('{path}')")
        connection.execute(f"copy ({query}) to '{fresh}' (format parquet)")
    path.unlink()
    fresh.rename(path)


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()
    path.write_bytes(content)


def test_who_restates_a_period_does_not_close_the_one_that_posts_it(
    books: Books, more_views: Path
) -> None:
    """B closes the first period, delivers late views for it, runs it again, and closes the second."""
    first, second = books.periods
    books.close(first, "bob")
    assert books.run(first, more_views, by="bob").is_restatement
    with pytest.raises(Refused) as refused:
        books.close(second, " BOB. ")
    assert str(refused.value) == (
        f"bob started the run run-{first}-bob that made a restatement whose differences it posts; "
        "someone else has to close it"
    )
    with pytest.raises(Refused, match="ada started the run"):
        books.close(second, "ada")
    entry = books.close(second, "grace")
    assert entry.workers == (
        Worker(by="ada", run_id=f"run-{second}-ada", work="read"),
        Worker(by="ada", run_id=f"run-{second}-ada", work="published"),
        Worker(by="bob", run_id=f"run-{first}-bob", work="restated"),
    )
    restatement = books.restated[first].record()
    assert entry.restatements is not None
    (posted,) = entry.restatements
    assert (posted.period, posted.run_id) == (first, f"run-{first}-bob")
    assert posted.landing_sha256 == restatement.landing_sha256 != entry.landing_sha256
    assert books.differences == []


def test_who_restates_without_a_difference_may_close(books: Books, sample: Path) -> None:
    first, second = books.periods
    books.close(first, "bob")
    books.run(first, sample / "landing", by="bob")
    assert books.close(second, "bob").restatements == ()


def test_who_read_the_inputs_does_not_close_what_another_published(
    books: Books, sample: Path
) -> None:
    """Bob starts the run, and its last stage is launched by ada."""
    from dataclasses import replace

    from orchestration.pipeline.building import build
    from orchestration.pipeline.earning import earn
    from orchestration.pipeline.gating import check
    from orchestration.pipeline.publishing import publish
    from tests.proof.product import fast_run

    first = books.periods[0]
    run = fast_run(books.home, books.program.program, first, "run-of-bob", "bob")
    ingest(run, books.loaded.path, sample / "landing")
    check(run, "ingest")
    for stage in ("staging", "eligibility", "scoring"):
        build(run, stage)
        check(run, stage)
    earn(run)
    publish(replace(run, run_id="run-of-ada", by="ada"))
    for name, work in (("bob", "read its inputs"), ("ada", "published it")):
        with pytest.raises(Refused, match=f"{name} started the run run-of-{name} that {work}"):
            books.close(first, name)
    assert books.close(first, "grace").period == first


@pytest.mark.parametrize("name", ["аda", "ada.", "ada\u3164", "ＡＤＡ", "…"])
def test_a_name_that_only_looks_like_another_is_refused(name: str, books: Books) -> None:
    with pytest.raises(Refused, match=r"someone else has to close it|give another name"):
        books.close(books.periods[0], name)


@pytest.mark.parametrize("table", ["payout_ledger", "journal", "post_earnings", "settlement_rates"])
def test_a_changed_byte_of_any_published_file_is_not_sealed(table: str, books: Books) -> None:
    flip_a_byte(books.published[books.periods[1]].table(table))
    with pytest.raises(Refused, match=f"{books.periods[1]}: .*/{table}/.* was changed: SHA-256"):
        books.close(books.periods[0])
    assert CloseLog(books.home.path, books.program.program).lines() == []


def test_money_put_into_ledger_and_journal_alike_is_not_sealed(books: Books) -> None:
    """5,000 USD more, consistently, and the hashes in run.json written anew."""
    publication = books.published[books.periods[0]]
    rewrite(
        publication,
        "payout_ledger",
        "select * replace (payable_minor + 500000 as payable_minor) from {file}",
    )
    rewrite(publication, "journal", "select * from {file}")
    record = publication.record()
    run_file = publication.folder / "run.json"
    hashes = {
        path: digest for path, digest in publication.file_hashes().items() if path != "run.json"
    }
    run_file.write_bytes(record.model_copy(update={"files": hashes}).content())
    with pytest.raises(Refused, match=r"run\.json was changed"):
        books.close(books.periods[0])


@pytest.mark.parametrize(
    "change", [{"by": "mallory"}, {"gates": {}}, {"read_by": "mallory", "by": "mallory"}]
)
def test_who_made_it_and_what_its_gates_said_cannot_be_edited(
    change: dict[str, object], books: Books
) -> None:
    publication = books.published[books.periods[0]]
    run_file = publication.folder / "run.json"
    record = json.loads(run_file.read_bytes())
    run_file.write_text(json.dumps({**record, **change}))
    with pytest.raises(Refused, match=r"run\.json was changed"):
        books.close(books.periods[0], "ada")
    assert any("run.json was changed" in fault for fault in books.differences)


@pytest.mark.parametrize(
    ("table", "selected"),
    [
        ("settlement_parties", "select * replace ('ready' as status) from {file}"),
        ("settlement_rates", "select * replace (fx_rate * 10 as fx_rate) from {file}"),
        ("creator_earnings", "select * from {file} limit 0"),
    ],
)
def test_a_later_period_is_not_settled_anew_from_a_changed_file(
    table: str, selected: str, books: Books, sample: Path
) -> None:
    first, second = books.periods
    rewrite(books.published[second], table, selected)
    before = books.files(second)
    with pytest.raises(Refused, match=f"{second}: .*/{table}/.* was changed"):
        books.run(first, sample / "landing")
    assert books.files(second) == before
    assert (
        books.run(second, sample / "landing").period == second
    )  # made anew, nothing is carried on
    assert books.differences == []


def test_balances_are_not_carried_on_from_a_changed_ledger(books: Books, sample: Path) -> None:
    first, second = books.periods
    rewrite(
        books.published[first],
        "payout_ledger",
        "select * replace (100000 as closing_balance_minor) from {file}",
    )
    with pytest.raises(Refused, match=f"{first}: .*/payout_ledger/.* was changed"):
        books.run(second, sample / "landing")


def other_program(books: Books, tmp_path: Path, old: str, new: str) -> Books:
    text = books.loaded.path.read_text(encoding="utf-8")
    assert old in text
    changed = tmp_path / "changed.yaml"
    changed.write_text(text.replace(old, new, 1), encoding="utf-8")
    return Books(books.home.path, changed, fast=True)


def test_a_close_by_a_program_file_that_lacks_a_published_period_is_refused(
    books: Books, tmp_path: Path
) -> None:
    first, second = books.periods
    other = other_program(books, tmp_path, f"key: {first}", "key: renamed")
    with pytest.raises(Refused, match=f"{first} published, but not in the program file"):
        other.close(second)


def test_a_period_put_before_a_closed_one_is_refused(
    books: Books, sample: Path, tmp_path: Path
) -> None:
    first, second = books.periods
    books.close(first)
    begins = books.program.terms[0].effective_from
    inserted = (
        "periods:\n  - {key: 2024-03, starts_on: 2024-03-01, ends_on: 2024-03-20,"
        " closes_on: 2024-04-03, fx_on: 2024-04-03, pays_on: 2024-04-20}\n"
    )
    with_terms = other_program(books, tmp_path, f"from: {begins}", "from: 2024-03-01")
    other = other_program(with_terms, tmp_path, "periods:\n", inserted)
    for period in ("2024-03", second):
        with pytest.raises(Refused, match=f"2024-03 stands before {first}, which is closed"):
            other.run(period, sample / "landing")
    with pytest.raises(Refused, match=f"2024-03 stands before {first}"):
        other.close(second)


def test_the_currency_of_a_program_stays(books: Books, sample: Path, tmp_path: Path) -> None:
    other = other_program(books, tmp_path, "currency: USD", "currency: EUR")
    for attempt in (
        lambda: other.run(books.periods[0], sample / "landing"),
        lambda: other.close(books.periods[0]),
    ):
        with pytest.raises(Refused, match="the currency is EUR, but what is published is in USD"):
            attempt()


def test_a_run_that_only_read_input_stands_against_a_close(books: Books, sample: Path) -> None:
    """The ingest assets alone, or a run that died after ingest; also once its work is gone."""
    first = books.periods[0]
    run = PeriodRun(books.home, books.program.program, first, "run-2", "ada")
    ingest(run, books.loaded.path, sample / "landing")
    a_run = f"a later run of {first} \\(run-2, started by ada\\)"
    with (
        books.home.period_lock(books.program.program, first, "run-2"),
        pytest.raises(Refused, match=f"{a_run} is under way; look again"),
    ):
        books.close(first)
    said = f"{a_run} read input and ended before"
    with pytest.raises(Refused, match=said):
        books.close(first)
    shutil.rmtree(books.home.path / "work")
    with pytest.raises(Refused, match=said):
        books.close(first)
    books.run(first, sample / "landing")
    assert books.close(first).period == first


def test_a_run_that_died_while_it_read_stands_against_a_close(
    books: Books, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    first = books.periods[0]
    with monkeypatch.context() as patched:
        patched.setattr(Home, "take", die)
        with pytest.raises(KeyboardInterrupt):
            books.run(first, sample / "landing", by="lin")
    with pytest.raises(Refused, match=r"started by lin.* read input and ended before"):
        books.close(first)


def test_a_blocked_run_stands_against_a_close_without_its_work_file(
    books: Books, sample: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(sample / "landing", broken)
    (broken / "creators" / "broken.csv").write_text("creator_id\n", encoding="utf-8")
    first = books.periods[0]
    with pytest.raises(GateFailed):
        books.run(first, broken)
    shutil.rmtree(books.home.path / "work")
    with pytest.raises(Refused, match="was blocked: the ingest gate has not held"):
        books.close(first)


def test_a_run_that_read_nothing_is_none(books: Books, sample: Path, tmp_path: Path) -> None:
    first = books.periods[0]
    other = other_program(books, tmp_path, f"program: {books.program.program}", "program: another")
    run = PeriodRun(books.home, books.program.program, first, "run-2", "ada")
    with pytest.raises(Refused, match="is the file of"):
        ingest(run, other.loaded.path, sample / "landing")
    assert books.close(first).period == first


def test_a_gate_of_a_later_period_says_whose_it_is(
    books: Books, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the period that was run would be blamed."""
    from dataclasses import replace

    from expectations.suite import GateResult, Result
    from orchestration.pipeline.flow import run_all
    from tests.proof.product import fast_run

    first, second = books.periods
    run = fast_run(books.home, books.program.program, first, "run-2", "ada")
    held = run.gate

    def gate(suite: str, database: Path) -> GateResult:
        if database.name.startswith("settling-"):
            return GateResult(
                suite, (Result("x", "payout_ledger", "error", "it is so", "failed", 1),)
            )
        return held(suite, database)

    before = {period: books.files(period) for period in books.periods}
    with pytest.raises(GateFailed, match=f"the ledger gate of {second}, which is settled anew"):
        run_all(replace(run, gate=gate), books.loaded.path, sample / "landing")
    assert {period: books.files(period) for period in books.periods} == before
    said = later_run(books.home, books.program.program, first, books.published[first].record())
    assert said is not None
    assert f"the ledger gate of {second} has not held" in said


def test_a_close_settles_later_periods_anew_and_is_refused_where_their_gate_does_not_hold(
    books: Books,
) -> None:
    from expectations.suite import GateResult, Result
    from orchestration.pipeline.closing import close_period
    from tests.integration.books import LATER

    first, second = books.periods

    def red(suite: str, _: Path) -> GateResult:
        return GateResult(suite, (Result("x", "payout_ledger", "error", "it is so", "failed", 1),))

    before, revision = books.files(second), books.published[second].revision
    with pytest.raises(GateFailed, match=f"the ledger gate of {second}, which is settled anew"):
        close_period(books.home, books.loaded, first, "grace", LATER, gate=red)
    assert CloseLog(books.home.path, books.program.program).lines() == []
    assert books.files(second) == before
    books.close(first)
    assert books.published[second].revision > revision
    assert books.differences == []


def test_a_withdrawn_period_is_published_no_more(books: Books, sample: Path) -> None:
    first, second = books.periods
    books.run(first, sample / "landing")
    assert books.withdraw(first).keys() == {second}
    assert list(books.published) == [second]
    assert books.differences == []
    # Its run has published, so nothing of it waits.
    assert later_run(books.home, books.program.program, first, None) is None
    with pytest.raises(Refused, match=f"{first} is not published; there is nothing to withdraw"):
        books.withdraw(first)
    books.run(first, sample / "landing")
    books.close(first)
    with pytest.raises(Refused, match=f"{first} is closed"):
        books.withdraw(first)


def test_a_period_that_left_the_program_file_can_be_withdrawn(
    books: Books, sample: Path, tmp_path: Path
) -> None:
    first, second = books.periods
    other = other_program(books, tmp_path, f"key: {first}", "key: renamed")
    other.withdraw(first)
    assert other.run(second, sample / "landing").period == second


def test_a_home_of_0_1_0_is_opened(books: Books, sample: Path) -> None:
    """Neither records.json nor last_runs, run.json without what came since, lines without workers."""
    first, second = books.periods
    books.close(first)
    as_0_1_0(books)
    assert books.differences == []
    assert books.run(second, sample / "landing").period == second
    assert books.close(second).period == second
    assert books.differences == []


def as_0_1_0(books: Books) -> None:
    """Makes a home one of 0.1.0, in which the first period is closed."""
    program = books.program.program
    for path in (books.home.path / "generations" / f"program={program}").glob("*/records.json"):
        path.unlink()
    shutil.rmtree(books.home.path / "last_runs")
    new = {"schema_number", "currency", "attempt", "read_by"}
    for publication in books.published.values():
        publication.folder.chmod(0o700)
        run_file = publication.folder / "run.json"
        record = json.loads(run_file.read_bytes())
        run_file.unlink()
        run_file.write_text(json.dumps({k: v for k, v in record.items() if k not in new}))
    log = CloseLog(books.home.path, program)
    ((entry, _),) = log.entries()
    closed = books.published[entry.period]
    old = {
        "schema_number": 1, "workers": None, "restatements": None, "files": closed.file_hashes(),
    }  # fmt: skip
    content = entry.model_copy(update=old).to_json()
    del content["schema_number"]
    import rfc8785

    line = rfc8785.dumps(content)
    assert CloseEntry.from_line(line).workers is None
    log.path.write_bytes(line + b"\n")
    seal = closed.folder / "close.json"
    seal.chmod(0o600)
    seal.write_bytes(line)
    seal.chmod(0o400)
    closed.folder.chmod(0o500)
