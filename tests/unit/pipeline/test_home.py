"""The home: who holds a period, whose process died, and where Dagster keeps its runs."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from orchestration.pipeline.home import (
    POSTGRES_CONFIG,
    POSTGRES_URL,
    Busy,
    Damaged,
    Home,
    Registration,
    Unfit,
    process_started,
    sqlite_config,
)

HOLD = """
import sys, time
from pathlib import Path
from orchestration.pipeline.home import Home
with Home(Path(sys.argv[1])).period_lock("p", "2024-04", "run-1"):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_a_dead_holder_is_told_from_a_living_one(home: Home) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home.path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert home.dead_holder("p", "2024-04") is None
        assert home.living_holder("p", "2024-04") == "run-1"
        with (
            pytest.raises(Busy, match=f"run-1 .process {holder.pid}."),
            home.period_lock("p", "2024-04", "run-2"),
        ):
            pass
        holder.send_signal(signal.SIGKILL)
        # Dead, though its parent has not asked for it yet.
        os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)
        assert home.dead_holder("p", "2024-04") == "run-1"
    finally:
        holder.kill()
        holder.wait()
    assert home.dead_holder("p", "2024-04") == "run-1"
    assert home.living_holder("p", "2024-04") is None
    with home.period_lock("p", "2024-04", "run-2"):
        assert home.dead_holder("p", "2024-04") is None


def test_a_period_is_held_until_its_run_lets_it_go(home: Home) -> None:
    with home.period_lock("p", "2024-04", "run-1"):
        with home.period_lock("p", "2024-04", "run-1"):
            pass
        assert home.living_holder("p", "2024-04") == "run-1"
        assert home.living_holder("p", "2024-05") is None
    assert home.living_holder("p", "2024-04") is None
    # Dagster may still have it as running, if the process dies now.
    assert home.dead_holder("p", "2024-04") is None


@pytest.mark.parametrize(
    ("change", "dead"),
    [
        ({}, None),
        # The number was given to another process since.
        ({"started": "1"}, "run-1"),
        # Another machine's processes are not ours to judge.
        ({"started": "1", "host": "elsewhere"}, None),
    ],
    ids=["itself", "number given anew", "another machine"],
)
def test_holders_by_number_start_and_machine(
    change: dict[str, str], dead: str | None, home: Home
) -> None:
    with home.period_lock("p", "2024-04", "run-1"):
        file = home.path / "locks" / "p.2024-04.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | change))
        assert home.dead_holder("p", "2024-04") == dead


def test_no_holder_or_a_torn_one_is_no_dead_one(home: Home) -> None:
    assert home.dead_holder("p", "2024-04") is None
    (home.path / "locks").mkdir(parents=True)
    (home.path / "locks" / "p.2024-04.json").write_text('{"run_id": "r')
    assert home.dead_holder("p", "2024-04") is None


def test_a_process_that_never_was() -> None:
    assert process_started(os.getpid()) is not None
    assert process_started(2**22 + 1) is None  # above the highest number that Linux gives out


@pytest.mark.parametrize("is_of_the_home", [False, True])
def test_a_wait_for_the_program_is_told_once(is_of_the_home: bool, tmp_path: Path) -> None:
    """By a run to its own terminal, by every other command to who has made the home."""
    told: list[str] = []

    def hear(said: str) -> None:
        told.append(said)
        others.close()

    home = Home(tmp_path, on_wait=hear if is_of_the_home else None)
    with ExitStack() as others:
        others.enter_context(Home(tmp_path).program_lock("p"))
        with home.program_lock("p", None if is_of_the_home else hear):
            assert told == ["waiting for another run to publish p"]


def test_who_only_looks_waits_for_nobody(home: Home) -> None:
    with (
        Home(home.path).program_lock("p"),
        pytest.raises(Busy, match="another run is publishing p; look again when it has ended"),
        home.program_lock("p", waits=False),
    ):
        pass


def test_the_home_is_for_its_owner(home: Home) -> None:
    home.prepare()
    for folder in (home.path, home.dagster):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_dagsters_storage_is_postgres_where_the_environment_says_so(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = home.dagster / "dagster.yaml"
    monkeypatch.delenv(POSTGRES_URL, raising=False)
    home.prepare()
    assert config.read_text() == sqlite_config(home.dagster)
    monkeypatch.setenv(POSTGRES_URL, "postgresql://bonus:secret@db/dagster")
    home.prepare()
    assert config.read_text() == POSTGRES_CONFIG
    assert "secret" not in config.read_text()
    monkeypatch.delenv(POSTGRES_URL)
    with pytest.raises(Unfit, match=POSTGRES_URL):
        home.prepare()


def test_a_configuration_of_an_earlier_version_is_brought_up_to_date(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(POSTGRES_URL, raising=False)
    home.prepare()
    config = home.dagster / "dagster.yaml"
    config.write_text(config.read_text().split("event_log_storage:")[0])
    home.prepare()
    assert config.read_text() == sqlite_config(home.dagster)


def test_a_home_that_was_moved_keeps_its_event_log_with_it(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(POSTGRES_URL, raising=False)
    home.prepare()
    moved = Home(home.path.rename(home.path.with_name("moved")))
    moved.prepare()
    config = (moved.dagster / "dagster.yaml").read_text()
    assert config == sqlite_config(moved.dagster)
    assert str(home.dagster) not in config


def test_a_configuration_changed_by_hand_stays(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(POSTGRES_URL, raising=False)
    home.prepare()
    config = home.dagster / "dagster.yaml"
    by_hand = config.read_text() + "retention: {}\n"
    config.write_text(by_hand)
    monkeypatch.setenv(POSTGRES_URL, "postgresql://db/dagster")
    home.prepare()
    assert config.read_text() == by_hand


@pytest.mark.parametrize("by_hand", ["", "retention: {}\n"], ids=["as written", "changed by hand"])
def test_a_copied_home_writes_nothing_into_the_one_it_was_copied_from(
    by_hand: str, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(POSTGRES_URL, raising=False)
    home.prepare()
    config = home.dagster / "dagster.yaml"
    config.write_text(config.read_text() + by_hand)
    copied = Home(shutil.copytree(home.path, home.path.with_name("copied"), symlinks=True))
    copied.prepare()
    assert (copied.dagster / "dagster.yaml").read_text() == sqlite_config(copied.dagster) + by_hand
    assert config.read_text() == sqlite_config(home.dagster) + by_hand


@pytest.mark.parametrize("name", [b"home?", b"home [2]", b"*", b"\xff"])
def test_a_home_that_dagster_or_duckdb_would_not_find_is_refused(
    name: bytes, tmp_path: Path
) -> None:
    with pytest.raises(Unfit, match=r"[Nn]ame another home"):
        Home(tmp_path / os.fsdecode(name)).prepare()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"{}", b"[]", b"not json", b'{"program_file": 7}', b"\xff"])
def test_a_file_that_is_none_of_a_program_is_named(tmp_path: Path, content: bytes) -> None:
    home = Home(tmp_path)
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs" / "p.json").write_bytes(content)
    with pytest.raises(Damaged, match=r"p\.json does not say where a program's files are"):
        home.registrations()


def test_what_another_registers_meanwhile_is_not_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who closes says nothing of where files are, also while somebody who runs says it."""
    home = Home(tmp_path / "home")
    home.register("p", tmp_path / "p.yaml", tmp_path)
    look = home.registrations
    other = threading.Thread(
        target=Home(home.path).register, args=("p", tmp_path / "q.yaml", tmp_path / "q")
    )

    def look_and_be_overtaken() -> dict[str, Registration]:
        found = look()
        other.start()
        other.join(timeout=1)  # it waits, or has been and gone
        return found

    monkeypatch.setattr(home, "registrations", look_and_be_overtaken)
    home.register("p", tmp_path / "r.yaml", None, known_stays=True)
    other.join()
    assert look() == {"p": Registration(tmp_path / "q.yaml", tmp_path / "q")}


def test_who_is_about_to_say_where_files_are_keeps_others_for_seconds_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who closes only asks for no lock, so that one who stops there keeps nobody."""
    monkeypatch.setattr("orchestration.pipeline.home.PLACES_PATIENCE_SECONDS", 0)
    home = Home(tmp_path / "home")
    home.register("p", tmp_path / "p.yaml", tmp_path)
    with Home(home.path)._places_lock("p"):
        home.register("p", tmp_path / "q.yaml", None, known_stays=True)
        with pytest.raises(Busy, match="about to write where the files of p are"):
            home.register("p", tmp_path / "q.yaml", None)
    assert home.registrations() == {"p": Registration(tmp_path / "p.yaml", tmp_path)}


def test_where_files_are_is_kept(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.register("p", tmp_path / "p.yaml", None)
    assert home.registrations()["p"].landing is None
    home.register("p", tmp_path / "p.yaml", tmp_path)
    home.register("p", tmp_path / "q.yaml", None)
    assert home.registrations() == {"p": Registration(tmp_path / "q.yaml", tmp_path)}
    home.register("p", tmp_path / "r.yaml", tmp_path / "other", known_stays=True)
    assert home.registrations() == {"p": Registration(tmp_path / "q.yaml", tmp_path)}
    # As 0.1.0 has written it.
    old = json.dumps({"program_file": str(tmp_path / "p.yaml"), "landing": None})
    (tmp_path / "home" / "programs" / "p.json").write_text(old)
    assert home.registrations() == {"p": Registration(tmp_path / "p.yaml", None)}
