"""What the UI's dialog may add: a period, and nothing else; of other kinds of partitions anything."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from dagster_graphql.implementation.utils import UserFacingGraphQLError

from orchestration.dagster_glue.partitions import PERIODS
from orchestration.pipeline.home import Home
from orchestration.sample.program import program_text
from orchestration.web.only_periods import add_only_periods

PERIOD = "instagram-spring-bonus:2024-04"


def test_it_adds_a_period_and_no_other_text(tmp_path: Path) -> None:
    home, file = Home(tmp_path / "home"), tmp_path / "program.yaml"
    file.write_text(program_text(80, 2))
    home.register("instagram-spring-bonus", file, None)
    home.register("gone", tmp_path / "gone.yaml", None)
    with dg.DagsterInstance.ephemeral() as instance:
        add_only_periods(instance, home)
        for wrong in ("2024-4", "instagram-spring-bonus:2024-4", "gone:2024-04"):
            with pytest.raises(UserFacingGraphQLError):
                instance.add_dynamic_partitions(str(PERIODS.name), [PERIOD, wrong])
        assert instance.get_dynamic_partitions(str(PERIODS.name)) == []
        instance.add_dynamic_partitions(str(PERIODS.name), [PERIOD])
        assert instance.get_dynamic_partitions(str(PERIODS.name)) == [PERIOD]
        instance.add_dynamic_partitions("another kind", ["2024-4"])
        assert instance.get_dynamic_partitions("another kind") == ["2024-4"]
