"""The sensor on deliveries and the schedule of closing days: what they request, and what not."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.dagster_glue import sensors
from orchestration.dagster_glue.partitions import partition_key
from orchestration.dagster_glue.resources import HomeResource
from orchestration.dagster_glue.run_in_process import register
from orchestration.pipeline.home import Home
from orchestration.records import CloseEntry
from orchestration.terms.load import LoadedProgram, load_program

# The sample's periods: 2024-04 from 2024-03-29 (closes 2024-05-01), 2024-05 from 2024-04-29.
FIRST, SECOND = "2024-04", "2024-05"


@dataclass
class Place:
    """A home with the sample registered, its landing directory free to change, and Dagster."""

    home: Home
    loaded: LoadedProgram
    landing: Path
    instance: dg.DagsterInstance
    cursor: str | None = None

    @property
    def program(self) -> str:
        return self.loaded.program.program

    def look(self) -> list[str]:
        """The periods that the sensor requests at its next look."""
        with dg.build_sensor_context(
            self.instance,
            cursor=self.cursor,
            resources={"home": HomeResource(path=str(self.home.path))},
        ) as context:
            result = sensors.deliveries(context)
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        self.requests = list(result.run_requests or [])
        return [str(request.partition_key) for request in self.requests]

    def tick(self, day: str) -> list[dg.RunRequest]:
        """What the schedule requests half an hour into a day."""
        with dg.build_schedule_context(
            self.instance,
            scheduled_execution_time=datetime.fromisoformat(f"{day}T00:30:00").replace(tzinfo=UTC),
            resources={"home": HomeResource(path=str(self.home.path))},
        ) as context:
            return list(sensors.closing_days(context))

    def key(self, period: str) -> str:
        return partition_key(self.program, period)

    def close(self, period: str) -> None:
        """A line in the close log, which is what closes a period."""
        from orchestration.pipeline.close_log import CloseLog

        entry = CloseEntry(
            program=self.program, period=period, revision=1, approved_by="grace", started_by="ada",
            run_id="r", closed_at="2024-05-01T00:00:00Z", landing_sha256="", program_sha256="",
            code_sha256="", rows={}, totals={}, ledger_sha256="", journal_sha256="", files={},
            previous_sha256="",
        )  # fmt: skip
        CloseLog(self.home.path, self.program).append(entry.line())


@pytest.fixture
def place(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    shutil.copytree(sample / "landing", tmp_path / "landing")
    home = Home(tmp_path / "home")
    home.prepare()
    monkeypatch.setenv("DAGSTER_HOME", str(home.dagster))
    loaded = load_program(sample / "program.yaml")
    with register(home, loaded, tmp_path / "landing") as instance:
        yield Place(home, loaded, tmp_path / "landing", instance)


def at(monkeypatch: pytest.MonkeyPatch, day: str) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Clock:
            return cls.fromisoformat(f"{day}T12:00:00").replace(tzinfo=tz)

    monkeypatch.setattr(sensors, "datetime", Clock)


def deliver(place: Place) -> None:
    (place.landing / "posts" / "late.csv").write_text(f"post_id\n{os.urandom(8).hex()}\n")


def test_a_delivery_runs_the_periods_that_have_begun(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, "2024-04-10")
    assert place.look() == []  # the files may still be on their way
    assert place.look() == [place.key(FIRST)]
    first = place.requests[0]
    assert first.tags["by"] == "deliveries sensor"
    # The same files, the same key: Dagster makes no second run of it.
    assert place.look() == [place.key(FIRST)]
    assert place.requests[0].run_key == first.run_key
    deliver(place)
    assert place.look() == []
    assert place.look() == [place.key(FIRST)]
    assert place.requests[0].run_key != first.run_key


def test_periods_begin_with_their_first_day_and_end_with_their_close(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, "2024-04-28")
    place.look()
    assert place.look() == [place.key(FIRST)]
    at(monkeypatch, "2024-04-29")
    assert place.look() == [place.key(FIRST), place.key(SECOND)]
    place.close(FIRST)
    assert place.look() == [place.key(SECOND)]


def test_what_was_published_from_these_files_is_not_run_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, "2024-04-10")
    place.look()
    digest = json.loads(place.cursor or "")[place.program]
    asked: list[tuple[str, str]] = []

    def published_from(_: Home, program: str, period: str, of: str) -> bool:
        asked.append((period, of))
        return True

    monkeypatch.setattr(sensors, "_published_from", published_from)
    assert place.look() == []
    assert asked == [(FIRST, digest)]


def test_a_program_that_cannot_be_read_does_not_stop_the_others(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, "2024-04-10")
    (tmp_path / "broken.yaml").write_text("program: [")
    place.home.register("a-broken-one", tmp_path / "broken.yaml", place.landing)
    place.home.register("no-landing", place.loaded.path, tmp_path / "absent")
    place.look()
    assert place.look() == [place.key(FIRST)]


def test_each_period_is_run_once_when_its_closes_on_has_come(place: Place) -> None:
    closes_on = place.loaded.program.period(FIRST).closes_on
    assert closes_on.isoformat() == "2024-05-01"
    assert place.tick("2024-04-30") == []
    (request,) = place.tick("2024-05-01")
    assert request.partition_key == place.key(FIRST)
    # A tick that was missed is made up for the day after; what was requested is not again.
    assert [late.run_key for late in place.tick("2024-05-02")] == [request.run_key]
    place.instance.create_run_for_job(
        job_def=_job(), tags={**request.tags, "dagster/run_key": str(request.run_key)}
    )
    assert place.tick("2024-05-02") == []
    # Data come late, and closes_on is put later: the day comes once more.
    program = place.home.path / "later.yaml"
    said = place.loaded.path.read_text("utf-8")
    assert said.count("closes_on: 2024-05-01") == 1
    program.write_text(said.replace("closes_on: 2024-05-01", "closes_on: 2024-05-08"), "utf-8")
    place.home.register(place.program, program, place.landing)
    assert place.tick("2024-05-07") == []
    assert [later.partition_key for later in place.tick("2024-05-08")] == [place.key(FIRST)]


def test_a_closed_period_is_not_run_by_the_schedule(place: Place) -> None:
    place.close(FIRST)
    assert place.tick("2024-05-01") == []


def test_they_are_off_until_someone_turns_them_on() -> None:
    from orchestration.dagster_glue.served import defs

    repository = defs.get_repository_def()
    assert repository.get_sensor_def("deliveries").default_status == dg.DefaultSensorStatus.STOPPED
    schedule = repository.get_schedule_def("closing_days")
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("30 0 * * *", "UTC")
    # This one starts nothing.
    assert (
        repository.get_sensor_def("input_changes").default_status == dg.DefaultSensorStatus.RUNNING
    )
    # Alerts have a switch of their own: their addresses.
    assert repository.get_sensor_def("alerts").default_status == dg.DefaultSensorStatus.RUNNING


def _job() -> dg.JobDefinition:
    @dg.op
    def nothing() -> None:
        """Only its run counts."""

    @dg.job
    def some_job() -> None:
        nothing()

    return some_job
