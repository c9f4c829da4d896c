"""No partition but a program's period is added by the UI, which offers to add any text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dagster import DagsterInstance
from dagster_graphql.implementation.utils import UserFacingGraphQLError
from dagster_graphql.schema.errors import GrapheneUnauthorizedError

from orchestration.dagster_glue.partitions import PERIODS, demand_period
from orchestration.pipeline.home import Home


def add_only_periods(instance: DagsterInstance, home: Home) -> None:
    """From now on, this instance adds no partition that is of no period.

    Asked to, it raises what Dagster's dialog shows as a sentence.
    """
    storage: Any = instance.event_log_storage
    add = storage.add_dynamic_partitions

    def add_periods(partitions: str, keys: Sequence[str]) -> None:
        for key in keys if partitions == PERIODS.name else ():
            try:
                demand_period(key, home)
            except (ValueError, OSError) as error:
                told = GrapheneUnauthorizedError(str(error))  # type: ignore[no-untyped-call]
                raise UserFacingGraphQLError(told) from None
        add(partitions, keys)

    storage.add_dynamic_partitions = add_periods
