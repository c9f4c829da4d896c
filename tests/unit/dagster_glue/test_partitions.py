"""Partitions are the periods of the home's programs; what somebody else added goes by itself."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from orchestration.dagster_glue.partitions import PERIODS, add_periods
from orchestration.pipeline.home import Home
from orchestration.sample.program import program_text
from orchestration.terms.load import parse_program

PROGRAM = parse_program(program_text(80, 2).encode(), "program.yaml")
NAME = PROGRAM.program
OWN = [f"{NAME}:2024-04", f"{NAME}:2024-05"]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home that knows the program, and another one."""
    home = Home(tmp_path / "home")
    for name in (NAME, "other"):
        home.register(name, tmp_path / "program.yaml", None)
    return home


@pytest.mark.parametrize(
    ("key", "stays"),
    [
        ("2024-4", False),
        (f"{NAME}:2024-4", False),
        ("nobody:2024-04", False),
        (":", False),
        ("other:2024-04", True),
        (f"{NAME}:2023-12", True),  # published, and no longer in the program file
    ],
    ids=["no key", "no period", "no program", "nothing", "of another program", "published"],
)
def test_what_is_no_period_is_removed(key: str, stays: bool, home: Home) -> None:
    store = home.store(NAME)
    version = store.new_version("2023-12")
    (version / "run.json").write_bytes(b"{}")
    store.switch({"2023-12": version}, {})
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(str(PERIODS.name), [key])
        add_periods(instance, home, PROGRAM)
        found = set(instance.get_dynamic_partitions(str(PERIODS.name)))
        assert found == {*OWN, *([key] if stays else [])}
        # Added once more, while all periods are known.
        instance.add_dynamic_partitions(str(PERIODS.name), [key])
        add_periods(instance, home, PROGRAM)
        assert set(instance.get_dynamic_partitions(str(PERIODS.name))) == found
