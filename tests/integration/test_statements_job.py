"""The job `statements` of the UI: a folder a language, and what it wrote as metadata of the period."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.dagster_glue.definitions import build_definitions
from orchestration.dagster_glue.resources import STATEMENTS_JOB, HomeResource
from orchestration.pipeline.close_log import CloseLog
from tests.integration.books import Books


@pytest.fixture(scope="module")
def books(whole: Books, sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Books:
    """A copy that knows where the program's files are, as after a run of the command line."""
    copy = whole.copy(tmp_path_factory.mktemp("job") / "home")
    copy.home.register(copy.program.program, whole.loaded.path, sample / "landing")
    return copy


def launched(books: Books, period: str, **config: Any) -> dg.ExecuteInProcessResult:
    definitions = build_definitions(HomeResource(path=str(books.home.path)))
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("bonus_period", [f"{books.program.program}:{period}"])
        return definitions.resolve_job_def(STATEMENTS_JOB).execute_in_process(
            run_config={"ops": {"write_statements": {"config": {**config}}}},
            partition_key=f"{books.program.program}:{period}",
            instance=instance,
            raise_on_error=False,
        )


def test_the_job_writes_a_folder_a_language_and_says_so(books: Books, tmp_path: Path) -> None:
    closed = books.periods[0]
    result = launched(books, closed, out=str(tmp_path), languages=["ko", "fr"])
    assert result.success
    seen = [
        event.asset_observation_data.asset_observation
        for event in result.all_events
        if event.event_type_value == "ASSET_OBSERVATION"
    ]
    ((entry, _),) = CloseLog(books.home.path, books.program.program).entries()
    assert [one.metadata["root"].value for one in seen] == [entry.statements_root] * 2
    assert [Path(one.metadata["folder"].value).name for one in seen] == ["ko", "fr"]
    for one in seen:
        assert one.asset_key == dg.AssetKey("published_period")
        pages = list(Path(one.metadata["folder"].value).glob("*.html"))
        assert len(pages) == one.metadata["statements"].value > 0


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"out": "here"}, "give the whole path of a folder"),
        ({"out": "", "languages": ["fr"]}, "give the whole path of a folder"),
        ({"out": "/tmp", "languages": ["de"]}, "no language de; there are en, ja, ko, fr"),
    ],
    ids=["relative", "empty", "unknown language"],
)
def test_what_the_job_refuses(books: Books, config: dict[str, Any], said: str) -> None:
    result = launched(books, books.periods[0], **config)
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert said in str(failure.event_specific_data)
