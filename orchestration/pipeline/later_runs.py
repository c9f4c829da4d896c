"""The fate of a period's last run, where that is not what is published (§7 "every gate must have held")."""

from __future__ import annotations

from orchestration.pipeline.home import Home
from orchestration.pipeline.run_state import last_run
from orchestration.pipeline.work_file import WorkFile
from orchestration.publishing.store import Publication
from orchestration.records import LastRun, RunRecord, Unreadable


def readable_record(publication: Publication | None) -> RunRecord | None:
    """run.json of a version; None if it cannot be read, which the comparison of files names."""
    try:
        return publication.record() if publication else None
    except (OSError, Unreadable):
        return None


def later_run(home: Home, program: str, period: str, published: RunRecord | None) -> str | None:
    """The fate, in words, of a later run of a period that read input and is not published.

    §7: "every gate must have held: also those of a later run of the period, whether a gate blocked
    it or it ended otherwise before it was published". None where the last run is published, as the
    period's version or as its restatement, or was, before somebody withdrew it. Of a run by 0.1.0 only its
    work file knows.
    """
    last = last_run(home, program, period)
    if last is None:
        return _later_run_of_0_1_0(WorkFile(home.path / "work" / program / period), period)
    restated = home.store(program).restated().get(period)
    attempts = {record.attempt for record in (published, readable_record(restated)) if record}
    if last.attempt in attempts or (last.has_published and not attempts):
        return None
    which = "a later" if attempts else "the last"
    return f"{which} run of {period} ({last.run_id}, started by {last.by}) {fate(home, last)}"


def is_under_way(home: Home, last: LastRun) -> bool:
    """True if a run that read input works on it still."""
    return home.living_holder(last.program, last.period) == last.run_id


def fate(home: Home, last: LastRun) -> str:
    """The fate of a run that is not published, and what to do; without its subject, the run."""
    if last.blocked is None:
        if is_under_way(home, last):
            return "is under way; look again when it has ended"
        return "read input and ended before it was published; run the period again"
    whose = "" if last.blocked.period == last.period else f" of {last.blocked.period}"
    return (
        f"was blocked: the {last.blocked.stage} gate{whose} has not held; "
        "repair what it names and run the period again"
    )


def _later_run_of_0_1_0(work: WorkFile, period: str) -> str | None:
    """A gate that a run of 0.1.0 did not pass: that version kept verdicts in the work file."""
    import duckdb

    if not work.path.exists():
        return None
    try:
        with duckdb.connect(work.path, read_only=True) as connection:
            rows = connection.execute("select stage from _gates where not held").fetchall()
    except duckdb.Error:
        return None
    if not rows:
        return None
    return (
        f"a later run of {period} was blocked: the {rows[0][0]} gate has not held; "
        "repair what it names and run the period again"
    )
