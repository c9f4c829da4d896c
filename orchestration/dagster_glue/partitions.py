"""Bonus periods as Dagster partitions: `<program>:<period>`, so that programs can share a home."""

from __future__ import annotations

import dagster as dg

from orchestration.pipeline.home import Home
from orchestration.terms.load import load_program
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


def add_periods(instance: dg.DagsterInstance, home: Home, program: Program) -> None:
    """Makes all periods of a program known to Dagster, and removes what is no period; nothing if all is so.

    One process at a time: Dagster looks first and adds then, and fails if another came between.
    """
    assert PERIODS.name is not None
    keys = {partition_key(program.program, period.key): None for period in program.periods}
    there = set(instance.get_dynamic_partitions(PERIODS.name))
    strangers = [key for key in there - keys.keys() if _is_stranger(key, home, program.program)]
    if keys.keys() <= there and not strangers:
        return
    with home.instance_lock():
        instance.add_dynamic_partitions(PERIODS.name, list(keys))
        for key in strangers:
            instance.delete_dynamic_partition(PERIODS.name, key)


def demand_period(key: str, home: Home) -> None:
    """ValueError for a key that is of no period of the home's programs, by their files as they are now."""
    program, period = split_partition_key(key)
    registration = home.registrations().get(program)
    if registration is None:
        raise ValueError(f"{key!r} is no bonus period: this home knows no program {program}")
    periods = load_program(registration.program_file).program.periods
    if period not in [entry.key for entry in periods]:
        raise ValueError(
            f"{key!r} is no bonus period: {program} has no period {period}; add it to the program file"
        )


def _is_stranger(key: str, home: Home, program: str) -> bool:
    """True for a key that is no period's, as somebody may have added it in the launch dialog.

    Of the program at hand only what is published stays beside the periods of its file; of others
    that the home knows all stays, since their files are not read here.
    """
    try:
        its_program, period = split_partition_key(key)
    except ValueError:
        return True
    if its_program != program:
        return its_program not in home.registrations()
    return period not in home.store(program).published()
