"""Partitions are the periods of the home's programs; what somebody else added goes by itself."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import dagster as dg
import pytest

from orchestration.dagster_glue.partitions import PERIODS, add_periods, demand_period
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


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        (f"{NAME}:2024-05", None),
        ("2024-4", "on each side of a colon"),
        (f"{NAME}:2024-4", f"{NAME} has no period 2024-4"),
        ("nobody:2024-04", "knows no program nobody"),
    ],
    ids=["a period", "no key", "no period", "no program"],
)
def test_only_a_period_of_a_program_file_may_be_added(
    key: str, wrong: str | None, home: Home, tmp_path: Path
) -> None:
    (tmp_path / "program.yaml").write_text(program_text(80, 2))
    with pytest.raises(ValueError, match=wrong) if wrong else nullcontext():
        demand_period(key, home)
