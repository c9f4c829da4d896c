"""The sections of a period's page on what the run decided and went by: §4, §8, terms and inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final

from expectations.suite import GateResult, Result
from orchestration.pipeline.run_state import STAGES
from orchestration.reports import text
from orchestration.reports.figures import PeriodFigures, ReasonRow
from orchestration.reports.page import Bar, Chart, Section, Table, cell
from orchestration.reports.parts import columns, not_held
from orchestration.reports.terms_changes import terms_changes
from orchestration.terms.counts import COUNTS
from orchestration.terms.reasons import CREATOR_REASONS, POST_REASONS, Reason

SHOWN_FAILING_ROWS: Final = 10
SHOWN_CHANGES: Final = 60


def eligibility_section(figures: PeriodFigures) -> Section:
    """Every reason, with how many have it."""
    charts, tables = [], []
    for what, rows, meanings, whole in (
        ("creators", figures.creator_reasons, CREATOR_REASONS, figures.totals.creators),
        ("posts", figures.post_reasons, POST_REASONS, figures.totals.posts),
    ):
        if not rows:
            continue
        caption = f"Why {what} were not eligible; one may have several reasons"
        charts.append(
            Chart([Bar(row.code, [row.rows], text.count(row.rows)) for row in rows], caption)
        )
        tables.append(_reasons(what, rows, meanings, whole))
    return Section(
        "eligibility",
        "Why creators and posts were not eligible",
        [] if tables else ["All creators and posts were eligible."],
        charts,
        tables,
    )


def _reasons(
    what: str, rows: Sequence[ReasonRow], meanings: Mapping[str, Reason], whole: int
) -> Table:
    return Table(
        f"Reasons of {what}",
        columns("Reason", "Meaning", f"{what.capitalize()} #", "Of all #", "No other reason #"),
        [
            [
                row.code,
                meanings[row.code].text,
                text.count(row.rows),
                text.percent(row.rows, whole),
                text.count(row.alone),
            ]
            for row in rows
        ],
    )


def gates_section(
    recorded: Mapping[str, GateResult], caption: str = "Gates of the published run"
) -> Section:
    """The outcome of the expectations, with the failing rows of those that warned."""
    gates = {stage: recorded[stage] for stage in STAGES if stage in recorded}
    summary = Table(
        caption,
        columns("Gate", "Expectations held #", "Not held, blocking #", "Warnings #",
                 "Failing rows #"),
        [
            [
                stage,
                f"{sum(row.state == 'held' for row in gate.results)} of"
                f" {len(gate.results)}",
                text.count(sum(row.severity == "error" for row in not_held(gate))),
                text.count(sum(row.severity == "warn" for row in not_held(gate))),
                text.count(sum(row.failing_rows for row in not_held(gate))),
            ]
            for stage, gate in gates.items()
        ],
    )  # fmt: skip
    failing = [
        _failing_rows(stage, row)
        for stage, gate in gates.items()
        for row in not_held(gate)
        if row.rows
    ]
    sentences = [
        f"{'Blocked by' if row.blocks else 'Warning of'} the {stage} gate, {row.name}: {_because(row)}."
        for stage, gate in gates.items()
        for row in not_held(gate)
    ]
    return Section("gates", "Gates", sentences, tables=[summary, *failing])


def _failing_rows(stage: str, row: Result) -> Table:
    rows = row.shown[:SHOWN_FAILING_ROWS]
    names = sorted({name for entry in rows for name in entry}, key=_ids_first)
    return Table(
        f"{stage}: {row.name}, {_how_many(len(rows), row.failing_rows)}",
        [(cell(name), False) for name in names],
        [[cell(str(entry.get(name, ""))) for name in names] for entry in rows],
    )


def _how_many(shown: int, all_of_them: int) -> str:
    if shown < all_of_them:
        return f"the first {shown} of {text.count(all_of_them)} rows"
    return f"all {shown} rows" if shown > 1 else "its only row"


def _because(row: Result) -> str:
    if row.state == "failed":
        return f"{cell(row.counted)}, {row.means}"
    return f"could not be evaluated, {cell(row.problem or 'no reason given')}"


def _ids_first(name: str) -> tuple[bool, str]:
    """run.json keeps columns by name; what names a row belongs in front."""
    return not name.endswith("_id"), name


def data_section(data: Mapping[str, Any]) -> Section:
    """The rows that ingest read, and the posts in play that were late or lost counts."""
    title = "Data quality"
    if not data:
        return Section("data", title, ["The run was made before these figures were kept."])
    counted = (
        ("Files", "files"),
        ("Rows read", "rows_read"),
        ("Rows loaded", "rows_loaded"),
        ("Rows quarantined", "rows_quarantined"),
        ("Rows deleted by their source", "rows_deleted"),
        ("Files quarantined", "files_quarantined"),
    )
    datasets = Table(
        "Landing data by dataset",
        columns("Dataset", *(f"{label} #" for label, _ in counted)),
        [
            [row["dataset"], *(text.count(row.get(name, 0)) for _, name in counted)]
            for row in data["datasets"]
        ],
    )
    in_play = data["posts_in_play"]
    posts = Table(
        f"Posts in play: {text.count(in_play)}",
        columns("What is wrong", "Posts #", "Of all #"),
        [
            [label, text.count(number), text.percent(number, in_play)]
            for label, number in (
                ("Late: not seen in the last 48 hours of the window", data["posts_late"]),
                *((f"Falling: fewer {name} at the end than before", number)
                  for name, number in ((name, data["posts_falling"][name]) for name in COUNTS)),
            )
        ],
    )  # fmt: skip
    return Section("data", title, tables=[datasets, posts])


def terms_section(figures: PeriodFigures) -> Section:
    """The version in force, against the one before it."""
    program, period = figures.program, figures.period
    number = program.version_no_in_force(program.last_day(period))
    version = program.terms[number]
    began = [
        entry.version
        for entry in program.terms
        if period.starts_on < entry.effective_from <= program.last_day(period)
    ]
    paragraphs = [
        f"Version {version.version} judges creators and pays them: in force on the period's last"
        f" day, since {version.effective_from}."
    ]
    if began:
        versions = ", ".join(map(str, began))
        paragraphs.append(
            f"Version {versions} began within the period: posts and points before that day go by"
            " the version before."
        )
    changes = terms_changes(program, number)
    if number == 0:
        paragraphs.append("It is the program's first.")
    elif not changes:
        paragraphs.append("It has the same terms as the version before.")
    if len(changes) > SHOWN_CHANGES:
        paragraphs.append(f"The first {SHOWN_CHANGES} of {len(changes):,} changes are shown.")
    table = Table(
        f"What changed against version {program.terms[max(number - 1, 0)].version}",
        columns("Key", "Before", "Now"),
        [
            [cell(change.path), cell(change.before or "–"), cell(change.now or "–")]
            for change in changes[:SHOWN_CHANGES]
        ],
    )
    return Section("terms", "Terms in force", paragraphs, tables=[table] if changes else [])


def inputs_section(figures: PeriodFigures) -> Section:
    """Fingerprints of all that went in."""
    record = figures.record
    rows = [
        ["Program file", cell(PurePath(record.program_file).name), record.program_sha256],
        ["Landing data", cell(PurePath(record.landing).name), record.landing_sha256],
        ["Code and models", "", record.code],
        ["All three, program and period", "", record.fingerprint],
    ]
    if figures.closed:
        rows += [
            ["Ledger as closed", "payout_ledger", figures.closed.ledger_sha256],
            ["Journal as closed", "journal", figures.closed.journal_sha256],
        ]
    return Section(
        "inputs",
        "Inputs and their fingerprints",
        [f"Run {record.run_id}."],
        tables=[Table("SHA-256 of what went in", columns("Input", "Name", "SHA-256"), rows)],
    )
