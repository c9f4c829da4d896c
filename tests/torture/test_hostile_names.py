"""Ids and file names that mean harm, through the command line and into what the UI shows (§2, §9, §10).

One run pays creators with such ids; everything that a person or program gets to see of it is looked at.
"""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from orchestration.pipeline.home import Home
from orchestration.publishing.export import FORMULA_STARTS
from orchestration.terms.load import load_program
from tests.conftest import Bonus

pytestmark = pytest.mark.long

IDS: Mapping[str, Sequence[str]] = {
    "SQL": (
        "'; drop table raw_posts; --", "1' or '1'='1", '"; delete from creator_scores; --', "$$; select 1",
        "x') union select * from _gates --", "{batch}", "{{ ref('stg_posts') }}",
    ),
    "paths": ("../../etc/passwd", "..\\..\\x", "/etc/shadow", "C:\\con", "~root", "..", "."),
    "formulas": (
        "=1+1", "+1+1", "-1", "@SUM(1)", "=cmd|' /C calc'!A0", '=HYPERLINK("http://x","y")',
        "=IMPORTXML(1)",
    ),
    "HTML": (
        "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>", "&lt;b&gt;",
        "</td></tr></table><h1>x", "<a href=javascript:alert(1)>x</a>",
    ),
    "Markdown": ("[x](javascript:alert(1))", "![x](http://x/y)", "# heading", "| a | b |", "`code`", "***x***"),
    "shell": ("$(touch pwned)", "`touch pwned`", "; touch pwned", "| touch pwned", "${HOME}", "%PATH%"),
    "looks": ("\u202eabc", "\u200bzero", "a\u2066b", "\ufeffbom", "\u2028line", "\U000e0041tag"),
}  # fmt: skip
FILE_NAMES = (
    "x..%2f..%2fx", "x..\\..\\x", "x...", "~", "-rf", "$(touch pwned)", "`touch pwned`", "a;touch pwned", "*",
    "?", "[a-z]", "{a,b}", "'; drop table raw_posts; --", '"', "%s%n", "views=7", "<img src=x>",
    "[x](javascript:1)", "=1+1", "\u202evsc", "line\nbreak", "\x1b[2J",
)  # fmt: skip
ESCAPES = (
    "\x1b[2J", "\x1b[31mred", "\x1b]0;title\x07", "\x1b]8;;http://x\x07y", "\x9b31m", "\x08\x08", "\x7f",
    "a\rb",
)  # fmt: skip
UNSHOWN = {"\x1b", "\x9b", "\x07", "\x08", "\x7f", "\r", "\u202e", "\u2066"}
"""What no output may hold: a terminal would act on it."""

ALL_IDS = [text for texts in IDS.values() for text in texts]


@dataclass(frozen=True)
class Paid:
    """A period that was run with creators and posts of all these ids."""

    bonus: Bonus
    program: str
    period: str
    done: subprocess.CompletedProcess[str]

    def exported(self, folder: Path, *options: str) -> dict[str, list[dict[str, str]]]:
        """The rows of all tables of `bonus export`."""
        done = self.bonus("export", self.period, "--out", str(folder), *options)
        assert done.returncode == 0, done.stderr
        return {
            path.stem: list(csv.DictReader(io.StringIO(path.read_bytes().decode(), newline="")))
            for path in folder.glob("*.csv")
        }  # fmt: skip


def write(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def paid(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Paid:
    folder = tmp_path_factory.mktemp("names")
    landing = shutil.copytree(sample / "landing", folder / "landing")
    program = load_program(sample / "program.yaml").program
    period = program.periods[0]
    before, published, seen = (
        f"{period.starts_on + timedelta(days)}T12:00:00Z" for days in (-3, 2, 4)
    )
    old = {"updated_at": before}
    creators = [
        {"creator_id": text, "account_type": "creator", "market": "US", **old} for text in ALL_IDS
    ]
    for number, row in enumerate(creators):
        name = FILE_NAMES[number % len(FILE_NAMES)]
        write(landing / "creators" / f"of {number}" / f"{name}.csv", [row])
    payee = {"payout_currency": "USD", "tax_residence": "US", "tax_form": "w9", "status": "ready"}
    write(landing / "payees" / "x.csv", [{"creator_id": text, **payee, **old} for text in ALL_IDS])
    deal = {
        "program": program.program,
        "invited_at": before,
        "activated_at": before,
        "ends_at": seen,
    }
    deals = [{"deal_id": text, "creator_id": text, **deal, **old} for text in ALL_IDS]
    write(landing / "deals" / "x.csv", deals)
    flags = dict.fromkeys(("is_branded_content", "is_collab", "has_watermark"), "false")
    post = {"content_type": "reel", "published_at": published, **flags, "is_original": "true"}
    posts = [{"post_id": text, "creator_id": text, **post, **old} for text in ALL_IDS]
    write(landing / "posts" / "x.csv", posts)
    metrics = [
        {"post_id": text, "observed_at": seen[:11] + "00:00:00Z", "views": 500_000}
        for text in ALL_IDS
    ]
    write(landing / "post_metrics" / "x.csv", metrics)
    bonus = Bonus(sample / "program.yaml", landing, folder / "home")
    done = bonus("run", period.key, "--by", "ada")
    assert done.returncode == 0, done.stderr
    return Paid(bonus, program.program, period.key, done)


def test_there_are_enough_of_each_class() -> None:
    assert min(map(len, (*IDS.values(), FILE_NAMES, ESCAPES))) >= 5
    assert len(set(ALL_IDS)) == len(ALL_IDS)


@pytest.mark.parametrize("kind", IDS)
def test_hostile_ids_are_paid_like_others_and_come_out_as_they_went_in(
    kind: str, paid: Paid, tmp_path: Path
) -> None:
    tables = paid.exported(tmp_path / "plain")
    eligible = {row["creator_id"] for row in tables["creator_scores"]}
    assert set(IDS[kind]) <= eligible
    owed = {row["creator_id"] for row in tables["payout_ledger"] if int(row["earnings_minor"]) > 0}
    assert set(IDS[kind]) <= owed
    assert set(IDS[kind]) <= {row["post_id"] for row in tables["post_scores"]}


def test_no_cell_of_a_spreadsheet_begins_like_a_formula(paid: Paid, tmp_path: Path) -> None:
    tables = paid.exported(tmp_path / "sheet", "--spreadsheet")
    ids = {row["creator_id"] for row in tables["payout_ledger"]}
    assert {f"'{text}" for text in IDS["formulas"]} <= ids
    assert not [text for text in ids if text.startswith(FORMULA_STARTS)]


def test_nothing_is_run_or_written_elsewhere(paid: Paid) -> None:
    folder = paid.bonus.home.parent
    assert sorted(path.name for path in folder.iterdir()) == ["home", "landing"]
    for path in paid.bonus.home.rglob("*"):
        assert not set(IDS["paths"]) & set(path.parts), path
        assert "pwned" not in path.name
    work = Home(paid.bonus.home).work_folder(paid.program, paid.period) / "work.duckdb"
    with duckdb.connect(work, read_only=True) as connection:
        files = connection.execute(
            "select count(*) from ingest_files where file like 'creators/of %' and reason is null"
            " and rows_loaded = 1"
        ).fetchall()
    assert files == [(len(ALL_IDS),)]


@pytest.mark.parametrize("command", ["run", "status", "verify", "quarantine", "report"])
def test_the_terminal_is_told_nothing_that_it_would_act_on(command: str, paid: Paid) -> None:
    arguments = [paid.period] if command in {"quarantine", "report"} else []
    done = paid.done if command == "run" else paid.bonus(command, *arguments)
    assert done.returncode == 0, done.stderr
    assert not UNSHOWN & set(done.stdout + done.stderr)


def markdown_of(home: Path) -> list[str]:
    """All that any run of a home gave the UI to show as Markdown."""
    found = []
    with dg.DagsterInstance.from_config(str(Home(home).dagster)) as instance:
        for run in instance.get_runs():
            for entry in instance.all_logs(run.run_id):
                event = entry.dagster_event
                data = event.event_specific_data if event else None
                for holder in (data, getattr(data, "materialization", None)):
                    for value in (getattr(holder, "metadata", None) or {}).values():
                        if isinstance(value, dg.MarkdownMetadataValue):
                            found.append(value.value)
    return found


def assert_harmless(markdown: Sequence[str]) -> None:
    """There is Markdown, and nothing that was delivered is in it."""
    assert markdown
    assert not [
        text for text in markdown for hostile in ALL_IDS if len(hostile) > 2 and hostile in text
    ]


def test_the_ui_shows_nothing_delivered_as_markdown(paid: Paid) -> None:
    assert_harmless(markdown_of(paid.bonus.home))


def test_the_logs_hold_nothing_delivered(paid: Paid) -> None:
    """What Dagster keeps of a run beside metadata: its events' words, and what its process wrote."""
    with dg.DagsterInstance.from_config(str(Home(paid.bonus.home).dagster)) as instance:
        said = [
            entry.user_message
            for run in instance.get_runs()
            for entry in instance.all_logs(run.run_id)
        ]
    kept = [
        path.read_text("utf-8", "replace")
        for path in Home(paid.bonus.home).dagster.rglob("*")
        if path.suffix in {".out", ".err", ".log"}
    ]
    assert len(said) > 20
    assert not [
        text
        for text in (*said, *kept)
        for hostile in ALL_IDS
        if len(hostile) > 6 and hostile in text
    ]


def test_escapes_and_hostile_ids_of_a_blocked_run(paid: Paid, tmp_path: Path) -> None:
    """Rows that no id may stand in, and rows of hostile ids in quarantine: named, and harmless."""
    landing = shutil.copytree(paid.bonus.landing, tmp_path / "landing")
    bad = [
        {"creator_id": text, "account_type": kind, "market": "US", "updated_at": "2024-01-01T00:00:00Z"}
        for text, kind in [*((text, "creator") for text in ESCAPES), *((text, "robot") for text in ALL_IDS)]
    ]  # fmt: skip
    write(landing / "creators" / "bad.csv", bad)
    bonus = Bonus(paid.bonus.program, landing, tmp_path / "home")
    done = bonus("run", paid.period)
    assert done.returncode == 3
    assert f"no_row_is_quarantined: {len(bad)} of " in done.stderr
    listed = bonus("quarantine", paid.period, "--limit", "1000")
    assert listed.returncode == 0, listed.stderr
    for escape in ESCAPES:
        shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escape)
        assert shown in listed.stdout.replace("\n", ""), escape
    for said in (done.stderr, done.stdout, listed.stdout, listed.stderr):
        assert not UNSHOWN & set(said)
        assert "Traceback" not in said
    assert_harmless(markdown_of(bonus.home))
