"""A launch may give any tags and any configuration: its steps work on the period that its run holds, or not at all.

Each test is a launch that once went through.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.adjusting.proposals import DATASET
from orchestration.dagster_glue.definitions import build_definitions
from orchestration.dagster_glue.jobs import CLOSE_OP, PROPOSE_OP
from orchestration.dagster_glue.resources import CLOSE_JOB, PROPOSE_JOB, HomeResource
from orchestration.dagster_glue.run_in_process import register
from orchestration.pipeline.close_log import CloseLog
from tests.integration.books import Books

RANGE = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


@pytest.fixture
def books(ran: Books, tmp_path: Path) -> Books:
    return ran.copy(tmp_path / "home")


def launched(
    books: Books, landing: Path, job: str, op: str, config: dict[str, Any], **tags: str
) -> str:
    """What a launch comes to that nobody has checked: "" if it succeeded, else what was said."""
    with register(books.home, books.loaded, landing) as instance:
        result = (
            build_definitions(HomeResource(path=str(books.home.path)))
            .resolve_job_def(job)
            .execute_in_process(
                run_config={"ops": {op: {"config": config}}},
                tags=tags,
                instance=instance,
                raise_on_error=False,
            )
        )
        return "" if result.success else _said(result)


def _said(result: dg.ExecuteInProcessResult) -> str:
    errors = [
        data.error
        for event in result.all_events
        if (data := event.event_specific_data) is not None and getattr(data, "error", None)
    ]
    return "\n".join(error.to_string() for error in errors)


def close(books: Books, landing: Path, **tags: str) -> str:
    return launched(books, landing, CLOSE_JOB, CLOSE_OP, {"approver": "grace"}, **tags)


def closed(books: Books) -> list[str]:
    return CloseLog(books.home.path, books.program.program).lines()


def key(books: Books, place: int) -> str:
    return f"{books.program.program}:{books.periods[place]}"


def test_a_run_for_a_range_of_one_period_does_not_pass_by_its_lock(
    books: Books, sample: Path
) -> None:
    with books.home.period_lock(books.program.program, books.periods[0], "run-of-ada"):
        said = close(books, sample / "landing", **dict.fromkeys(RANGE, key(books, 0)))
    assert "a run is of one period" in said
    assert closed(books) == []


def test_a_run_holds_the_period_that_it_works_on(books: Books, sample: Path) -> None:
    """It held the second one, and would have closed the first."""
    tags = {"dagster/partition": key(books, 1), "dagster/partition/x": key(books, 0)}
    said = close(books, sample / "landing", **tags)
    assert "has no tag dagster/partition/x" in said
    assert closed(books) == []


def test_a_configuration_takes_nothing_from_the_server_s_environment(
    books: Books, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address of PostgreSQL, say, would lie in the landing folder as a reason."""
    monkeypatch.setenv("SOME_SECRET", "postgresql://bonus:hunter2@db")
    config = {
        "creator_id": "c", "currency": "USD", "amount": "1", "by": "bob",
        "reason": {"env": "SOME_SECRET"},
    }  # fmt: skip
    tags = {"dagster/partition": key(books, 0)}
    landing = tmp_path / "landing"
    (landing / DATASET.name).mkdir(parents=True)
    said = launched(books, landing, PROPOSE_JOB, PROPOSE_OP, config, **tags)
    assert "asks for a variable of the server's environment" in said
    assert "hunter2" not in said
    assert list((landing / DATASET.name).iterdir()) == []


def test_a_run_is_said_to_be_of_the_period_that_it_works_on(books: Books, sample: Path) -> None:
    tags = {"dagster/partition": key(books, 0), "program": "other", "period": books.periods[1]}
    assert close(books, sample / "landing", **tags) == ""
    with register(books.home, books.loaded, sample / "landing") as instance:
        (run,) = instance.get_runs(limit=1)
    assert (run.tags["program"], run.tags["period"], run.tags["by"]) == (
        books.program.program,
        books.periods[0],
        "grace",
    )
