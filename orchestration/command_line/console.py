"""Output on the terminal: progress on standard error, results on standard output."""

from __future__ import annotations

import resource
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console as Rich
from rich.markup import escape
from rich.progress import (
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from orchestration.foundations.texts import shown
from orchestration.pipeline.changed_inputs import Changed
from orchestration.pipeline.home import LOOKS_THE_SAME, WAITING
from orchestration.terms.currencies import money_text

if TYPE_CHECKING:
    from orchestration.checking.mistakes import Checked, Mistake
    from orchestration.dagster_glue.run_in_process import Outcome
    from orchestration.ingest.quarantine import QuarantineView
    from orchestration.reports.preview import Preview

PIPE_COLUMNS = 120
_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes on macOS, KiB elsewhere


def safe(text: str) -> str:
    """Text from data for the terminal: nothing in it is run, neither escapes nor markup."""
    return escape(shown(text))


class Peak(ProgressColumn):
    """The most memory that this process has held so far; the gates' process has its own."""

    def render(self, task: Task) -> Text:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PEAK_UNIT
        return Text(f"at most {peak / 2**20:,.0f} MiB")


class Console:
    """Tables and progress; with `quiet` nothing but errors."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._out = Rich(highlight=False)
        if not self._out.is_terminal:
            # A pipe or a file has no width of its own; 80 would cut amounts of money.
            self._out = Rich(highlight=False, width=PIPE_COLUMNS)
        self._err = Rich(stderr=True, highlight=False)

    @contextmanager
    def progress(self, period: str) -> Iterator[Callable[[str], None]]:
        """Says that a period is under way, and what it does, where that is a terminal.

        Elsewhere only that it waits for another run. Which files differ stays to be read, everywhere.
        """
        if self._quiet:
            yield lambda step: self._differs(period, step)
        elif not self._err.is_terminal:
            yield lambda step: self._waits(period, step)
        else:
            columns = (
                SpinnerColumn(),
                TextColumn("{task.description}"),
                TimeElapsedColumn(),
                Peak(),
            )
            with Progress(*columns, console=self._err, transient=True) as progress:
                task = progress.add_task(safe(period), total=None)

                def show(step: str) -> None:
                    self._differs(period, step)
                    progress.update(task, description=f"{safe(period)}: {safe(step)}")

                yield show

    def _waits(self, period: str, step: str) -> None:
        self._differs(period, step)
        if step.startswith(WAITING):
            self._err.print(f"{safe(period)}: {safe(step)}", soft_wrap=True)

    def _differs(self, period: str, step: str) -> None:
        if step.endswith(LOOKS_THE_SAME):
            self._err.print(f"{safe(period)}: {safe(step)}", style="bold yellow", soft_wrap=True)

    def summary(self, outcome: Outcome) -> None:
        """The outcome of one period's run."""
        if self._quiet or outcome.error:
            return
        if outcome.restatement is not None:
            self._restatement(outcome.period, outcome.restatement)
            return
        totals = outcome.totals
        self._out.print(
            f"[bold]{safe(outcome.period)}[/bold]: {totals['eligible_creators']:,} of "
            f"{totals['creators']:,} creators and {totals['eligible_posts']:,} of "
            f"{totals['posts']:,} posts eligible; "
            f"{sum(gate['held'] for gate in outcome.gates.values())} of 5 gates held"
        )
        for remark in outcome.remarks:
            self._out.print(f"  {safe(remark)}", style="bold yellow", soft_wrap=True)
        for currency, amounts in totals["currencies"].items():
            self._out.print(f"  {currency}: {_amounts(currency, amounts)}")
        for gate, result in outcome.gates.items():
            for warning in result["warnings"]:
                self._out.print(f"  warning ({gate}): {safe(warning)}", style="yellow")

    def _restatement(self, period: str, totals: Mapping[str, Any]) -> None:
        self._out.print(f"[bold]{safe(period)}[/bold] is closed: restated beside it")
        for currency, amounts in totals["currencies"].items():
            self._out.print(
                f"  {currency}: {amounts['differing_rows']:,} rows differ; posted "
                f"{money_text(currency, amounts['posted_minor'])}, now "
                f"{money_text(currency, amounts['computed_minor'])}, difference "
                f"{money_text(currency, amounts['difference_minor'])}"
            )

    def status(self, program: str, states: Sequence[Mapping[str, Any]], options: str = "") -> None:
        """All periods of a program as a table; below it, what came after what is published.

        `options` are those of the command that this calls for.
        """
        table = Table(title=safe(program), title_justify="left")
        for column in ("period", "state", "eligible", "rows", "paid out"):
            # What is counted or paid is never cut; in a narrow terminal the state folds.
            table.add_column(column, no_wrap=column != "state", overflow="fold")
        for state in states:
            totals, gates, run = state["totals"], state["gates"], state["last_run"]
            table.add_row(
                safe(state["period"]),
                _state(state)
                + (f"\n{_last_run(run)}" if run else "")
                + (f"\nas published: {_gates(gates)}" if gates else "")
                + _left_out(state["left_out"]),
                f"{totals['eligible_creators']:,}/{totals['creators']:,} creators\n"
                f"{totals['eligible_posts']:,}/{totals['posts']:,} posts"
                if totals
                else "",
                "\n".join(f"{count:,} {name}" for name, count in totals["statuses"].items())
                if totals
                else "",
                "\n".join(
                    f"{currency} {money_text(currency, amounts['payout_minor'])}"
                    for currency, amounts in totals["currencies"].items()
                )
                if totals
                else "",
            )
        self._out.print(table)
        for state in states:
            if state["later_run"]:
                line = f"{safe(state['period'])}: {safe(state['later_run'])}"
                self._out.print(line, style="yellow", soft_wrap=True)
        changes = {
            state["period"]: Changed.of_json(state["changed"])
            for state in states
            if state["changed"] and state["state"] != "closed"
        }
        self.changed(changes, options)

    def preview(self, preview: Preview, by: str, options: str) -> None:
        """Shows what a close by `by` would fix, what stands against it, and the command that closes."""
        self._out.print(
            f"[bold]{safe(preview.period)}[/bold]: revision {preview.revision}, run {safe(preview.run_id)} by "
            f"{safe(preview.by)}, published {safe(preview.published_at)}; work of {safe(', '.join(preview.people))}",
            soft_wrap=True,
        )
        self.changed({preview.period: preview.changed}, options)
        if preview.changed.landing is None:
            self._out.print(f"  {safe(preview.change_said)}", style="yellow", soft_wrap=True)
        for sentence in (*preview.remarks, *preview.warnings):
            self._out.print(f"  {safe(sentence)}", style="yellow", soft_wrap=True)
        for shown_table in preview.tables:
            table = Table(title=safe(shown_table.caption), title_justify="left")
            for heading, is_number in shown_table.columns:
                table.add_column(
                    safe(heading), justify="right" if is_number else "left", no_wrap=is_number
                )
            for row in shown_table.rows:
                table.add_row(*(safe(str(cell)) for cell in row))
            self._out.print(table)
        if preview.against:
            self._out.print("It cannot be closed now:")
            for reason in preview.against:
                self._out.print(f"  {safe(reason)}", style="bold yellow", soft_wrap=True)
        else:
            self._out.print(
                f"It is the next to close, by someone other than {safe(', '.join(preview.people))}:\n"
                f"  bonus close {safe(preview.period)} --by {safe(shlex.quote(by))}"
                f" --revision {preview.revision}{safe(options)}",
                soft_wrap=True,
            )

    def changed(self, changes: Mapping[str, Changed], options: str) -> None:
        """Shows what changed after the runs of open periods, and the command that counts it."""
        of_what: dict[str, list[str]] = {}
        for period, change in changes.items():
            if change:
                of_what.setdefault(change.said, []).append(period)
        for said, periods in of_what.items():
            which = f"run{'s' if periods[1:] else ''} of {', '.join(periods)}"
            for line in (
                f"{said} the {which}. To count what lies there now:",
                f"  bonus run {' '.join(periods)} --by NAME{options}",
            ):
                self._out.print(safe(line), style="yellow", soft_wrap=True)

    def left_due(self, found: Sequence[Mapping[str, Any]] | None) -> None:
        """Shows the amounts that are due and have no open period to post them (§7); None: that is not known."""
        for line in _left_due(found):
            self._out.print(safe(line), style="yellow", soft_wrap=True)

    def quarantine(self, period: str, view: QuarantineView) -> None:
        """Counts as a table; rows and files a block each, since raw text is long. Then what is deleted."""
        if view.counts:
            self._quarantined(period, view)
        else:
            self._out.print(f"{safe(period)}: nothing is in quarantine")
        if view.deleted:
            self._out.print(f"{safe(period)}: deleted by their source, and left out")
            table = Table()
            table.add_column("file", overflow="fold")
            table.add_column("rows", justify="right")
            for file in view.deleted:
                table.add_row(safe(file["file"]), f"{file['rows']:,}")
            self._out.print(table)

    def _quarantined(self, period: str, view: QuarantineView) -> None:
        table = Table(title=f"{safe(period)}: in quarantine", title_justify="left")
        for column in ("dataset", "reason", "rows", "files"):
            table.add_column(column, justify="right" if column in ("rows", "files") else "left")
        for count in view.counts:
            table.add_row(
                safe(count.dataset), safe(count.reason), f"{count.rows:,}", f"{count.files:,}"
            )
        self._out.print(table)
        for file in view.files:
            self._lines(f"{file['dataset']}: {file['file']}: {file['reason']}", file["detail"])
        for row in view.rows:
            column = f" column {row['column_name']}" if row["column_name"] else ""
            head = f"{row['file']}:{row['row_no']}{column}: {row['reason']}"
            if row.get("found"):  # an earlier version has not kept it
                head += f": found {row['found']}, expected {row['expected']}"
            self._lines(head, row["raw_text"])
        self._say_rest("files", sum(count.files for count in view.counts), len(view.files))
        self._say_rest("rows", sum(count.rows for count in view.counts), len(view.rows))

    def checked(self, checked: Checked, limit: int | None) -> None:
        """Prints what was read, then at most so many mistakes, each with its place first."""
        table = Table(title=f"{safe(checked.program)}: read", title_justify="left")
        for column in ("dataset", "days"):
            table.add_column(column)
        for column in ("files", "rows", "loaded", "quarantined", "deleted"):
            table.add_column(column, justify="right")
        for row in checked.datasets:
            days = f"{row.first} to {row.last}" if row.first else ""
            counts = (row.files, row.rows_read, row.rows_loaded, row.rows_quarantined)
            table.add_row(
                row.dataset, days, *(f"{count:,}" for count in (*counts, row.rows_deleted))
            )
        self._out.print(table)
        for row in checked.datasets:
            for absent in row.absent:
                files = f"in {absent.files:,} of {row.files:,} files"
                theirs = "" if absent.files == row.files else "in their rows, "
                line = f"{row.dataset}: no {absent.column} {files}: {theirs}{absent.means}"
                self._out.print(line, soft_wrap=True)
        for mistake in checked.mistakes[:limit]:
            self._mistake(mistake)
        if limit is not None and len(checked.mistakes) > limit:
            more = len(checked.mistakes) - limit
            self._out.print(f"and {more:,} more mistakes; see them with --limit 0")
        warnings = len(checked.mistakes) - checked.errors
        self._out.print(f"errors: {checked.errors:,}; warnings: {warnings:,}")

    def _mistake(self, mistake: Mistake) -> None:
        parts = [mistake.file or mistake.dataset or "landing", mistake.line, mistake.column]
        place = ":".join(str(part) for part in parts if part is not None)
        text = f"{place}: {mistake.severity}: {mistake.rule}: {mistake.said}"
        self._out.print(safe(text), soft_wrap=True)

    def _lines(self, head: str, text: str) -> None:
        self._out.print(safe(head), soft_wrap=True)
        self._out.print(f"    {safe(text)}", soft_wrap=True)

    def _say_rest(self, what: str, whole: int, told: int) -> None:
        if whole > told:
            self._out.print(f"and {whole - told:,} more {what}; see them with --limit")


def _state(state: Mapping[str, Any]) -> str:
    lines = [state["state"]]
    if state["closed_by"]:
        lines.append(f"by {safe(state['closed_by'])}")
    if state["restatement"]:
        lines.append("restated")
    return "\n".join(lines)


def _left_due(found: Sequence[Mapping[str, Any]] | None) -> list[str]:
    if found is None:
        return ["tables cannot be read, so it is not known what is left due; see bonus verify"]
    return [
        f"no open period could post: {money_text(one['currency'], one['amount_minor'])} {one['currency']}"
        f" to {one['creator_id']}, "
        + (
            f"adjustment {one['adjustment_id']} of {one['origin_period']}"
            if one["kind"] == "manual"
            else f"the payout of {one['origin_period']}, which came back"
        )
        for one in found
    ]


def _last_run(run: Mapping[str, Any]) -> str:
    what = "run" if run["job"] == "period" else run["job"]
    return f"last {what}: {run['status'].lower()}, by {safe(str(run['by'] or '?'))}"


def _left_out(rows: Mapping[str, int] | None) -> str:
    """Landing rows that do not count, where there are any."""
    return "".join(f"\n{count:,} rows {name}" for name, count in (rows or {}).items() if count)


def _gates(gates: Mapping[str, Mapping[str, Any]]) -> str:
    held = sum(gate["held"] for gate in gates.values())
    warnings = sum(gate["warnings"] for gate in gates.values())
    return f"{held} of {len(gates)} gates held" + (f"\n{warnings} warnings" if warnings else "")


def _amounts(currency: str, amounts: Mapping[str, int]) -> str:
    named = (
        ("earned", "earnings_minor"),
        ("paid out", "payout_minor"),
        ("withheld", "withheld_minor"),
        ("carried", "carried_minor"),
        ("held", "held_minor"),
    )
    return ", ".join(f"{label} {money_text(currency, amounts[name])}" for label, name in named)
