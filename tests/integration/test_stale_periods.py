"""What Dagster shows of a period: where to look, and that it is stale after a delivery or new terms."""

from __future__ import annotations

import asyncio
import shutil
import time
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions import freshness_evaluator
from dagster._core.definitions.data_version import StaleStatus
from dagster._core.loader import LoadingContextForTest
from dagster._utils.test.data_versions import get_stale_status_resolver

from orchestration.dagster_glue import sensors
from orchestration.dagster_glue.definitions import build_definitions
from orchestration.dagster_glue.instance import open_instance
from orchestration.dagster_glue.partitions import partition_key
from orchestration.dagster_glue.resources import HomeResource
from orchestration.pipeline.home import Home
from orchestration.terms.load import load_program
from tests.conftest import BonusHere

PERIOD = "2024-04"
# Dagster looks one step back, so the tables between are not among those that it shows as stale.
FROM_FILES = {"raw_fx_rates", "raw_posts", "terms", "published_period"}
BETWEEN = {"stg_posts", "creator_scores", "payout_ledger"}


class Shown:
    """What Dagster knows of the period in a home."""

    def __init__(self, bonus: BonusHere) -> None:
        self.home = Home(bonus.home)
        self.instance = open_instance(self.home)
        self.resource = HomeResource(path=str(bonus.home))
        program = load_program(bonus.program).program.program
        self.key = partition_key(program, PERIOD)

    def end_of_the_log(self) -> str:
        """The address that the last linked line of the last run leads to."""
        (run,) = self.instance.get_runs(limit=1)
        events = [
            entry.get_dagster_event()
            for entry in self.instance.all_logs(run.run_id)
            if entry.is_dagster_event
        ]
        links = [event.engine_event_data.metadata for event in events if event.is_engine_event]
        return str([link["period_page"].value for link in links if "period_page" in link][-1])

    def look(self) -> list[str]:
        """The sensor's look; gives the partitions of which it told something."""
        with dg.build_sensor_context(self.instance, resources={"home": self.resource}) as context:
            told = sensors.input_changes(context)
        assert isinstance(told, dg.SensorResult)
        assert not told.run_requests
        for event in told.asset_events:
            assert isinstance(event, dg.AssetMaterialization)
            self.instance.report_runless_asset_event(event)
        return [str(event.partition) for event in told.asset_events]

    def freshness(self, hours_later: float) -> str:
        """What Dagster's daemon makes of `input_files` when it looks so many hours from now."""
        graph = build_definitions(self.resource).resolve_asset_graph()
        looked = freshness_evaluator.TimeWindowFreshnessPolicyEvaluator().evaluate_freshness(
            LoadingContextForTest(self.instance), graph.get(dg.AssetKey("input_files"))
        )
        with pytest.MonkeyPatch.context() as patch:
            later = time.time() + hours_later * 3600
            patch.setattr(freshness_evaluator, "get_current_timestamp", lambda: later)
            return str(asyncio.run(looked).value)

    def stale(self) -> set[str]:
        """Which of these assets of the period are shown as stale."""
        assets = build_definitions(self.resource).resolve_asset_graph().assets_defs
        resolver = get_stale_status_resolver(self.instance, assets)
        status = {
            name: resolver.get_status(dg.AssetKey(name), self.key) for name in FROM_FILES | BETWEEN
        }
        assert StaleStatus.MISSING not in status.values()
        return {name for name, found in status.items() if found == StaleStatus.STALE}


@pytest.fixture(scope="module")
def bonus(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> BonusHere:
    """A period that was run by ada; one of the tests changes its files, and says nothing of the clock."""
    folder = tmp_path_factory.mktemp("stale")
    shutil.copytree(sample / "landing", folder / "landing")
    shutil.copy(sample / "program.yaml", folder / "program.yaml")
    bonus = BonusHere(folder / "program.yaml", folder / "landing", folder / "home")
    assert bonus("run", PERIOD, "--by", "ada").returncode == 0
    return bonus


def test_a_period_is_stale_from_a_delivery_or_new_terms_until_it_is_run_again(
    bonus: BonusHere,
) -> None:
    shown = Shown(bonus)
    assert shown.end_of_the_log() == f"/bonus/periods/{shown.key.replace(':', '/')}"
    assert shown.look() == []
    assert shown.stale() == set()

    rates = bonus.landing / "fx_rates"
    first = next(path for path in sorted(rates.iterdir()) if path.suffix == ".csv")
    (rates / "late.csv").write_text("\n".join(first.read_text().splitlines()[:2]) + "\n")
    assert shown.look() == [shown.key]
    assert shown.stale() == FROM_FILES
    assert shown.look() == []  # it is told once

    assert bonus("run", PERIOD, "--by", "ada").returncode == 0
    assert shown.stale() == set()
    assert shown.look() == []

    bonus.program.write_text(bonus.program.read_text() + "# another word\n")
    assert shown.look() == [shown.key]
    assert shown.stale() == FROM_FILES


def test_deliveries_that_do_not_come_are_shown_on_the_asset(bonus: BonusHere) -> None:
    shown = Shown(bonus)
    month = 35 * 24
    seen = [shown.freshness(hours) for hours in (0, 47, 48, month - 1, month)]
    assert seen == ["PASS", "PASS", "WARN", "WARN", "FAIL"]


def test_an_asset_is_known_by_the_code_that_makes_numbers(bonus: BonusHere) -> None:
    from orchestration.pipeline.code_fingerprint import code_fingerprint

    specs = build_definitions(HomeResource(path=str(bonus.home))).resolve_all_asset_specs()
    assert {spec.code_version for spec in specs} == {code_fingerprint()}
