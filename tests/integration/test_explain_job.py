"""The job `explain` of the UI: the page of `bonus explain` and its JSON as files, and no id in any event."""

from __future__ import annotations

import json
from pathlib import Path

import dagster as dg
import pytest

from orchestration.dagster_glue.definitions import build_definitions
from orchestration.dagster_glue.jobs import explain_op
from orchestration.dagster_glue.resources import EXPLAIN_JOB, HomeResource
from orchestration.explain.page import page
from orchestration.explain.reading import explain_creator
from orchestration.statements.write import name_of
from tests.integration.books import Books
from tests.integration.test_statements_job import books  # noqa: F401 - a copy that knows its files

CREATOR = "star-us"


def launched(books: Books, **config: str) -> dg.ExecuteInProcessResult:  # noqa: F811
    definitions = build_definitions(HomeResource(path=str(books.home.path)))
    key = f"{books.program.program}:{books.periods[0]}"
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("bonus_period", [key])
        return definitions.resolve_job_def(EXPLAIN_JOB).execute_in_process(
            run_config={"ops": {"explain_creator": {"config": config}}},
            partition_key=key,
            instance=instance,
            raise_on_error=False,
        )


def test_the_job_writes_what_the_command_says(books: Books, tmp_path: Path) -> None:  # noqa: F811
    result = launched(books, creator=CREATOR, out=str(tmp_path / "out"))
    assert result.success
    told = explain_creator(books.home, books.program, books.periods[0], CREATOR)
    text, content = (tmp_path / "out" / f"{name_of(CREATOR)}{end}" for end in (".txt", ".json"))
    assert text.read_text("utf-8") == page(told) + "\n"
    assert json.loads(content.read_text("utf-8")) == json.loads(json.dumps(told.to_json()))
    assert {path.stat().st_mode & 0o777 for path in (text, content)} == {0o600}
    (seen,) = [e for e in result.all_events if e.event_type_value == "ASSET_OBSERVATION"]
    observation = seen.asset_observation_data.asset_observation
    assert Path(observation.metadata["page"].value) == text
    assert CREATOR not in repr(result.all_events)


def test_the_launchpad_says_what_its_fields_mean() -> None:
    fields = explain_op.config_schema.config_type.fields
    assert "id" in fields["creator"].description
    assert "whole path of a folder outside the home" in fields["out"].description


@pytest.mark.parametrize(
    ("creator", "out", "said"),
    [
        ("nobody", "out", "has no row in the ledger"),
        (CREATOR, "home/out", "it lies in"),
        (CREATOR, "", "give the whole path of a folder"),
    ],
    ids=["unknown creator", "inside the home", "no folder"],
)
def test_what_the_job_refuses(
    books: Books,  # noqa: F811
    tmp_path: Path,
    creator: str,
    out: str,
    said: str,
) -> None:
    folder = books.home.path if out.startswith("home") else tmp_path
    result = launched(books, creator=creator, out=str(folder / out) if out else "")
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert said in str(failure.event_specific_data) and "nobody" not in str(failure)
    assert not (folder / out).exists() or not out
