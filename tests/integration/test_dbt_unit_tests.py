"""The dbt unit tests beside the models: every one that is written down runs, and holds (contract §2 to §5).

dbt takes the types of a unit test's rows from the relations of the work file, so the models are
built once over landing tables without rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import duckdb
import pytest
import yaml

from orchestration.ingest.person_names import comparing_names, write_people
from orchestration.ingest.raw_tables import create_tables
from orchestration.pipeline import dbt_runner
from orchestration.pipeline.work_file import WorkFile
from orchestration.terms.load import load_program
from orchestration.terms.tables import terms_tables
from tests.contract import CREATOR_REASONS, POST_REASONS

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "programs" / "instagram-spring-bonus.yaml"


@cache
def _unit_tests() -> list[dict[str, object]]:
    """Every unit test that stands in a YAML file of the project, as it stands there."""
    documents = [
        yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
        for path in sorted((dbt_runner.PROJECT / "models").rglob("*.yml"))
    ]
    return [test for document in documents for test in document.get("unit_tests", ())]


def empty_work_file(folder: Path) -> WorkFile:
    """A work file in which every source and model exists, without a landing row."""
    work = WorkFile(folder)
    loaded = load_program(PROGRAM)
    with duckdb.connect(work.path) as connection:
        create_tables(connection)
        with comparing_names(connection):
            write_people(connection)
        for name, table in terms_tables(loaded.program, loaded.program.periods[0].key).items():
            connection.register("terms_table", table)
            connection.execute(f'create table "{name}" as select * from terms_table')
            connection.unregister("terms_table")
    dbt_runner.build_models(work, "resource_type:model")
    return work


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What dbt says of each unit test: `pass`, or the difference it found."""
    work = empty_work_file(tmp_path_factory.mktemp("unit"))
    selection = ["--select", "test_type:unit"]
    result = dbt_runner._invoke(
        dbt_runner._manifest(), "test", work, work.folder / "dbt", selection
    )
    yield {
        row.node.name: "pass" if row.status == "pass" else f"{row.status}: {row.message}"
        for row in result
    }


def test_every_unit_test_runs_and_holds(outcomes: dict[str, str]) -> None:
    """A unit test that dbt leaves out, or runs under another name, is a difference."""
    assert outcomes == {str(test["name"]): "pass" for test in _unit_tests()}


def test_names_are_unique() -> None:
    names = [test["name"] for test in _unit_tests()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("model", "reasons"),
    [("creator_eligibility", CREATOR_REASONS), ("post_eligibility", POST_REASONS)],
)
def test_every_reason_is_given_and_withheld_in_a_unit_test(model: str, reasons: set[str]) -> None:
    """§4: each reason code stands in the name of a test that expects it of one row and not of another."""
    for reason in reasons:
        expected = [
            str(row.get("reasons"))
            for test in _unit_tests()
            if test["model"] == model and reason.lower() in str(test["name"])
            for row in test["expect"]["rows"]  # type: ignore[index]
        ]
        assert any(reason in given.split("|") for given in expected), reason
        assert any(reason not in given.split("|") for given in expected), reason
