"""Alerts: a run that failed, or that a gate blocked, told by webhook, e-mail or chat (apprise).

Off until BONUS_ALERT_URLS has addresses. An alert names program, period, run, stage, expectations
and counts; never an id of a person, a row, or a text that an engine or a file brought in.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Sequence

import dagster as dg

from orchestration.dagster_glue.assets.asset_metadata import HOLDS

ADDRESSES = "BONUS_ALERT_URLS"
"""Addresses of apprise, separated by blanks; from the environment, since they hold secrets."""

ALERTED_TAG = "alerted"
_PERIOD_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,39}:[a-z0-9][a-z0-9-]{0,39}")


def addresses() -> list[str]:
    """The addresses that alerts go to; none if alerts are off."""
    return os.environ.get(ADDRESSES, "").split()


def alert_of(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    """Tells of a failed run, once, if alerts are on; gives what went wrong with the telling.

    Both the command line and the daemon call it; the run's tag says whether it was told.
    """
    run = instance.get_run_by_id(run_id)
    if run is None or not addresses() or ALERTED_TAG in run.tags:
        return []
    problems = send(*alert_text(instance, run))
    if len(problems) < len(addresses()):
        instance.add_run_tags(run_id, {ALERTED_TAG: "yes"})
    return problems


def alert_text(instance: dg.DagsterInstance, run: dg.DagsterRun) -> tuple[str, str]:
    """(title, body) of the alert of a failed run."""
    key = run.tags.get("dagster/partition", "")
    program, _, period = key.partition(":") if _PERIOD_KEY.fullmatch(key) else ("?", "", "?")
    stages = [
        entry.step_key
        for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
        if entry.step_key
    ]
    broken = list(_broken_expectations(instance, run.run_id))
    what = "was blocked by a gate" if broken else "failed"
    lines = [
        f"program: {program}",
        f"period: {period}",
        f"run: {run.run_id} (job {run.job_name})",
        f"stage: {', '.join(stages) or 'none; the process of the run died or was stopped'}",
        *broken,
        "Nothing of this run was published." if stages else "See the run in Dagster.",
    ]
    return f"creator-bonus: {program} {period} {what}", "\n".join(lines)


def _broken_expectations(instance: dg.DagsterInstance, run_id: str) -> Iterator[str]:
    """Name and count of each expectation that blocks, out of the results of the gates' checks."""
    logs = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    for entry in logs:
        assert entry.dagster_event is not None
        evaluation = entry.dagster_event.event_specific_data
        assert isinstance(evaluation, dg.AssetCheckEvaluation)
        results = evaluation.metadata.get("results")
        if not isinstance(results, dg.TableMetadataValue):
            continue
        for record in results.records:
            row = record.data
            if row["severity"] == "error" and row.get("result") != HOLDS:
                rows = row.get("rows") or "could not be evaluated"
                yield f"expectation: {row['expectation']}: {rows}"


def send(title: str, body: str, to: Sequence[str] | None = None) -> list[str]:
    """Sends to every address; what went wrong, by the place of the address, never the address."""
    import apprise

    # Its own messages name addresses, which hold passwords.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    problems = []
    for place, address in enumerate(addresses() if to is None else to, start=1):
        service = apprise.Apprise()
        if not service.add(address):
            problems.append(f"alert not sent: address {place} of {ADDRESSES} is of no known kind")
        elif not service.notify(body, title=title, notify_type=apprise.NotifyType.FAILURE):
            problems.append(f"alert not sent: address {place} of {ADDRESSES} did not take it")
    return problems
