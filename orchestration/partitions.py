"""Bonus periods as Dagster partitions: `<program>:<period>`, so that programs can share a home."""

from __future__ import annotations

import dagster as dg

PERIODS = dg.DynamicPartitionsDefinition(name="bonus_period")


def partition_key(program: str, period: str) -> str:
    """The key of a period; neither part can hold a colon (§1)."""
    return f"{program}:{period}"


def split_partition_key(key: str) -> tuple[str, str]:
    """(program, period); whatever someone typed into the UI comes back as it is, to be refused."""
    program, _, period = key.partition(":")
    return program, period
