"""Bonus periods as Dagster partitions: `<program>:<period>`, so that programs can share a home."""

from __future__ import annotations

import dagster as dg

from orchestration.terms.model import Program
from orchestration.terms.values import Unfit, name

PERIODS = dg.DynamicPartitionsDefinition(name="bonus_period")


def partition_key(program: str, period: str) -> str:
    """The key of a period; neither part can hold a colon (§1)."""
    return f"{program}:{period}"


def split_partition_key(key: str) -> tuple[str, str]:
    """(program, period); ValueError for what someone typed into the UI that is no such key.

    Both become names of folders and locks, so nothing else may pass.
    """
    program, _, period = key.partition(":")
    try:
        return name(program), name(period)
    except Unfit as error:
        raise ValueError(f"{key!r} is no bonus period: {error} on each side of a colon") from None


def add_periods(instance: dg.DagsterInstance, program: Program) -> None:
    """Makes all periods of a program known to Dagster; nothing if they are."""
    assert PERIODS.name is not None
    known = set(instance.get_dynamic_partitions(PERIODS.name))
    keys = [partition_key(program.program, period.key) for period in program.periods]
    new = [key for key in keys if key not in known]
    if new:
        instance.add_dynamic_partitions(PERIODS.name, new)
