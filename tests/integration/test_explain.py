"""`bonus explain` (§11): what it says of every creator is held against the contract by tests/explained.py.

What it says would have changed it is applied by tests/turned.py, and the reference decides anew.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from orchestration.explain.reading import explain_creator
from orchestration.explain.would_count import OUTCOMES
from orchestration.pipeline.home import Home
from orchestration.pipeline.refusals import Refused
from orchestration.publishing.export import export_tables
from orchestration.terms.model import Program
from tests.conftest import ROOT, SHARED, BonusHere
from tests.contract import CREATOR_REASONS, POST_REASONS
from tests.explained import faults, read_export
from tests.explained import read_program as read_document
from tests.integration.books import Books
from tests.integration.test_earlier_home import OPEN, unpacked
from tests.proof.campaign import Verdict, over
from tests.proof.cases import Case
from tests.proof.programs import any_cases
from tests.proof.proof import computed
from tests.reference.landing import read_landing
from tests.reference.program import read_program
from tests.turned import MANY, Paying, of_creator, wrong_changes

QUICK = "03"
CASES = sorted(path.name for path in (SHARED / "worked").glob("[0-9][0-9]")) or ["absent"]
DECISIONS = sorted(path.name for path in (SHARED / "worked").glob("decisions-*")) or ["absent"]
RESTATED = sorted(path.name for path in (SHARED / "worked").glob("restatement-*")) or ["absent"]
DRAWN = 200


def all_faults(
    home: Home,
    program: Program,
    program_file: Path,
    landings: Mapping[str, Path],
    out: Path,
    only: Sequence[str] = (),
    reached: Counter[str] | None = None,
) -> Iterator[str]:
    """Every fault of the explanation of every creator, in all published periods or those named.

    `landings` are what each was computed from.
    """
    reached = Counter() if reached is None else reached
    known = read_program(program_file)
    published = home.store(program.program).published()
    exports = {}
    for period, publication in published.items():
        export_tables(publication, out / period)
        exports[period] = read_export(out / period)
    order = [period.key for period in program.periods if period.key in published]
    document = read_document(program_file)
    for number, period in enumerate(order):
        if only and period not in only:
            continue
        creators = sorted({row["creator_id"] for row in exports[period]["payout_ledger"]})
        landing = read_landing(landings[period])
        paying = Paying(known, known.period(period), landing)
        for creator in creators:
            found = explain_creator(home, program, period, creator).to_json()
            explained = json.loads(json.dumps(found, ensure_ascii=False))
            assert explained["state"] == published[period].state
            case = of_creator(known, known.period(period), creator, landing)
            for fault in (
                *faults(explained, exports, order[:number], document),
                *wrong_changes(explained, case, reached),
                *paying.wrong(explained, reached),
                *paying.wrong_zeros(explained, reached),
            ):
                yield f"{period}, {creator}: {fault}"
    shutil.rmtree(out)


def run_case(case: str, folder: Path) -> Books:
    """All periods of a worked case, in order."""
    source = SHARED / "worked" / case
    books = Books(folder / "home", source / "program.yaml", fast=True)
    for period in books.periods:
        books.run(period, source / "landing")
    return books


def test_a_worked_case_is_explained(shared: Path, tmp_path: Path) -> None:
    """The last period of one case, and what the command prints of it."""
    books = run_case(QUICK, tmp_path)
    last = books.periods[-1]
    file = books.loaded.path
    landings = {last: shared / "worked" / QUICK / "landing"}
    assert not list(all_faults(books.home, books.program, file, landings, tmp_path / "out", [last]))
    ledger = books.published[last]
    export_tables(ledger, tmp_path / "out")
    rows = read_export(tmp_path / "out")
    creator = rows["post_earnings"][0]["creator_id"]
    bonus = BonusHere(file, shared / "worked" / QUICK / "landing", books.home.path)
    told = bonus.json("explain", last, creator)
    assert told == explain_creator(books.home, books.program, last, creator).to_json()
    done = bonus("explain", last, creator)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Bonus of {creator}\n")
    for step in told["steps"]:
        assert step["text"] in done.stdout
    for absent in ("nobody", "\udcff"):
        done = bonus("explain", last, absent, "--json")
        assert (done.returncode, done.stdout) == (2, "")
        assert f"has no row in the ledger of {last}; check the id" in done.stderr
    assert bonus("explain", "never", creator).returncode == 2
    books.withdraw(last)
    done = bonus("explain", last, creator)
    assert done.returncode == 4 and "is not published yet; run it first" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_asked_often_loads_no_heavy_library(whole: Books) -> None:
    """One second with all imports in: DuckDB reads, and no second reader of files is loaded."""
    code = f"""
import sys
from pathlib import Path
from orchestration.explain.page import page
from orchestration.explain.reading import explain_creator
from orchestration.pipeline.home import Home
from orchestration.terms.load import load_program
loaded = load_program({str(whole.loaded.path)!r})
page(explain_creator(Home(Path({str(whole.home.path)!r})), loaded.program, {whole.periods[0]!r}, "star-us"))
print(*{{name.partition(".")[0] for name in sys.modules}})
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = set(done.stdout.split())
    assert "duckdb" in loaded
    assert not loaded & {
        "pyarrow",
        "numpy",
        "pandas",
        "dagster",
        "dbt",
        "great_expectations",
        "babel",
    }


@pytest.mark.long  # every creator of every period
@pytest.mark.parametrize("case", CASES)
def test_every_worked_case_is_explained(case: str, shared: Path, tmp_path: Path) -> None:
    books = run_case(case, tmp_path)
    landings = dict.fromkeys(books.periods, shared / "worked" / case / "landing")
    file = books.loaded.path
    assert not list(all_faults(books.home, books.program, file, landings, tmp_path / "out"))


@pytest.mark.long
@pytest.mark.parametrize("case", DECISIONS)
def test_decisions_are_explained(case: str, shared: Path, tmp_path: Path) -> None:
    """After each close: adjustments by hand, returned payments, balances over closed periods."""
    folder = shared / "worked" / case
    books = Books(tmp_path / "home", folder / "program.yaml", fast=True)
    landings, file = {}, books.loaded.path
    for number, closing in enumerate(books.periods, start=1):
        for at, period in enumerate(books.periods, start=1):
            books.run(period, folder / f"landing-{number}")
            if at >= number:
                landings[period] = folder / f"landing-{number}"
        books.close(closing)
        assert not list(all_faults(books.home, books.program, file, landings, tmp_path / "out"))


@pytest.mark.long
@pytest.mark.parametrize("case", RESTATED)
def test_restatements_are_explained(case: str, shared: Path, tmp_path: Path) -> None:
    folder = shared / "worked" / case
    books = Books(tmp_path / "home", folder / "program.yaml", fast=True)
    first = books.periods[0]
    books.run(first, folder / "landing-1")
    books.close(first)
    for period in books.periods:
        books.run(period, folder / "landing-2")
    landings = {key: folder / f"landing-{1 + (key != first)}" for key in books.periods}
    file = books.loaded.path
    assert not list(all_faults(books.home, books.program, file, landings, tmp_path / "out"))


@pytest.mark.parametrize(
    "programs", [pytest.param(3, id="few"), pytest.param(DRAWN, id="many", marks=pytest.mark.long)]
)
def test_drawn_programs_are_explained(programs: int) -> None:
    """Every expression is evaluated, and every change that is told is applied."""
    verdict, reached = Verdict(), Counter[str]()

    def check(case: Case) -> None:
        with computed(case) as product:
            files = product.files
            landings = {key: files.landings[at] for key, at in _read_last(case).items()}
            out = files.home.with_name("exports")
            arguments = (product.home, product.loaded.program, files.program, landings, out)
            verdict.demand(case, list(all_faults(*arguments, reached=reached)))

    over(any_cases(with_decisions=True), programs, check, name="explain")
    if programs == DRAWN:
        moved = {"PUBLISHED_FROM", "PUBLISHED_BEFORE"}
        told = (POST_REASONS | CREATOR_REASONS | moved | OUTCOMES.keys()) - {"OUTSIDE_WINDOW"}
        assert reached.keys() >= told, told - reached.keys()
    else:
        assert reached["turns"] and reached[f"{MANY} pay much"], reached


def _read_last(case: Case) -> dict[str, int]:
    """The landing of the run that is published of each period: the last one before its close."""
    found: dict[str, int] = {}
    closed = set()
    for step in case.steps:
        if step.action == "close":
            closed.add(step.period)
        elif step.period not in closed:
            found[step.period] = step.landing
    return found


def test_a_period_without_the_tables_that_explain_is_refused(tmp_path: Path) -> None:
    folder = unpacked("earlier-home-with-decisions", tmp_path)
    books = Books(folder / "home", folder / "program.yaml", fast=True)
    with pytest.raises(Refused, match="was published by earlier code, without the tables"):
        explain_creator(books.home, books.program, OPEN, "ann")
    bonus = BonusHere(folder / "program.yaml", folder / "landing", folder / "home")
    done = bonus("explain", OPEN, "ann")
    assert (done.returncode, done.stdout) == (4, "")
    assert "Traceback" not in done.stderr
