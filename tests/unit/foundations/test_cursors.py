"""Databases for a while: apart from each other, and gone in the end."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pytest

from orchestration.foundations.cursors import instance, scratch_database


def test_nobody_sees_what_another_one_makes() -> None:
    with scratch_database() as one, scratch_database() as other:
        one.execute("create table x as select 1 as a")
        other.execute("create table x as select 2 as a")
        assert one.execute("from x").fetchall() == [(1,)]
        assert other.execute("from x").fetchall() == [(2,)]


def test_it_is_gone_at_the_end_of_the_block_also_of_one_that_fails() -> None:
    with pytest.raises(KeyError), scratch_database() as connection:
        connection.execute("create table x as select 1 as a")
        raise KeyError
    with scratch_database() as connection:
        assert connection.execute("show tables").fetchall() == []
    found = instance().cursor().execute("select database_name from duckdb_databases()").fetchall()
    assert not [name for (name,) in found if name.startswith("scratch_")]


def test_a_file_is_made_and_closed(tmp_path: Path) -> None:
    """Its name is text to nobody: the gate opens it in another process."""
    path = tmp_path / "it's 'new'.duckdb"
    with scratch_database(path) as connection:
        connection.execute("create table x as select 1 as a")
    with duckdb.connect(path) as connection:
        assert connection.execute("from x").fetchall() == [(1,)]
    with scratch_database(path) as connection:
        assert connection.execute("from x").fetchall() == [(1,)]


def test_whoever_comes_after_one_that_cannot_be_closed_gets_a_new_instance() -> None:
    before = instance()
    with scratch_database() as connection:
        ((name,),) = connection.execute("select current_database()").fetchall()
        connection.execute("use memory")
        connection.execute(f"detach {name}")
    with scratch_database() as connection:
        assert connection.execute("select 1").fetchall() == [(1,)]
    assert instance() is not before


def test_what_spills_lies_in_no_folder_that_somebody_knows() -> None:
    with scratch_database() as connection:
        setting = "select current_setting('temp_directory')"
        ((folder,),) = connection.execute(setting).fetchall()
    assert Path(folder).is_absolute()
    assert not Path(folder).exists()


def test_a_process_that_is_forked_off_has_one_of_its_own() -> None:
    """Runs of the UI are: the threads of the instance before stay with the process before."""
    before = instance()
    child = os.fork()
    if child == 0:
        os._exit(0 if instance() is not before else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert instance() is before
