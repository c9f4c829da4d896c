"""A disk that is full, a home that may not be written, a home on another file system than temp (§10).

Each: one clear message, the right status, what was published whole, and a rerun that completes.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from expectations.suite import GateResult
from orchestration.pipeline.flow import run_all
from orchestration.pipeline.home import Home
from orchestration.pipeline.period_run import PeriodRun
from orchestration.terms.load import load_program
from tests.conftest import ROOT, Bonus, published_files

pytestmark = pytest.mark.long

KIB = 1024
LIMITS_KIB = (1, 300, 2500) if os.environ.get("BONUS_TORTURE") else (300,)
"""Sizes beyond which no file may grow: each stops a run at another place."""

SMALL_MIB = 64
FREE_KIB = (100, 6000) if os.environ.get("BONUS_TORTURE") else (6000,)
"""What is left free of a small disk: each stops a run at another place."""

NOBODY = 65534


@pytest.fixture(scope="module")
def published(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the sample's first period published; not to be changed."""
    home = Home(tmp_path_factory.mktemp("disks") / "home")
    home.prepare()
    program = load_program(sample / "program.yaml").program
    run = PeriodRun(
        home, program.program, program.periods[0].key, "run-0", "ada",
        gate=lambda suite, _: GateResult(suite, ()),
    )  # fmt: skip
    run_all(run, sample / "program.yaml", sample / "landing")
    return home.path


def second_period(sample: Path) -> str:
    return load_program(sample / "program.yaml").program.periods[1].key


def run_with(sample: Path, home: Path, *, limit_bytes: int) -> subprocess.CompletedProcess[str]:
    """`bonus run` of the second period where no file may grow beyond the limit."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

    return subprocess.run(
        [sys.executable, "-m", "orchestration.command_line.app", "run", second_period(sample)],
        preexec_fn=limit,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={
            **os.environ,
            "BONUS_PROGRAM": str(sample / "program.yaml"),
            "BONUS_LANDING": str(sample / "landing"),
            "BONUS_HOME": str(home),
        },
    )


def assert_clear(done: subprocess.CompletedProcess[str], *statuses: int) -> None:
    assert done.returncode in statuses, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if "BONUS_TRACEBACK" not in line]
    assert len(lines) == 1, done.stderr
    advice = ("then run again", "permissions", "another folder with --home")
    assert any(words in lines[0] for words in advice), done.stderr


def test_a_full_disk_leaves_what_was_published(
    sample: Path, published: Path, tmp_path: Path
) -> None:
    home = shutil.copytree(published, tmp_path / "home", symlinks=True)
    before = published_files(home)
    for limit_kib in LIMITS_KIB:
        done = run_with(sample, home, limit_bytes=limit_kib * KIB)
        assert_clear(done, 1)
        assert "full" in done.stderr
        assert published_files(home) == before
    bonus = Bonus(sample / "program.yaml", sample / "landing", home)
    done = bonus("run", second_period(sample))
    assert done.returncode == 0, done.stderr
    assert len(published_files(home)) == 2 * len(before)
    assert bonus("verify").returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own of a few MiB, in memory; skipped where mounting is not permitted."""
    folder = tmp_path / "small"
    folder.mkdir()
    size = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_MIB}m", "tmpfs", str(folder)]
    mounted = subprocess.run(size, capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"a file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("free_kib", FREE_KIB)
def test_a_file_system_without_space_leaves_what_was_published(
    free_kib: int, sample: Path, published: Path, small_disk: Path, tmp_path: Path
) -> None:
    home = shutil.copytree(published, small_disk / "home", symlinks=True)
    before = published_files(home)
    filler = small_disk / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(small_disk).free - free_kib * KIB)
    bonus = Bonus(sample / "program.yaml", sample / "landing", home)
    done = bonus("run", second_period(sample))
    assert_clear(done, 1, 2)
    assert "full" in done.stderr or "No space left" in done.stderr
    assert published_files(home) == before
    filler.unlink()
    assert bonus("verify").returncode == 0
    done = bonus("run", second_period(sample))
    assert done.returncode == 0, done.stderr
    roomy = Bonus(sample / "program.yaml", sample / "landing", tmp_path / "roomy")
    shutil.copytree(published, roomy.home, symlinks=True)
    assert roomy("run", second_period(sample)).returncode == 0
    assert published_files(home) == published_files(roomy.home)
    assert bonus("verify").returncode == 0


INODES = range(1, 17) if os.environ.get("BONUS_TORTURE") else (3, 7, 12)
KIB_FOR_A_HOME = (8, 40, 120, 200, 280, 360) if os.environ.get("BONUS_TORTURE") else (120,)


@pytest.mark.parametrize(
    "limit", [*(f"nr_inodes={n + 1}" for n in INODES), *(f"size={n}k" for n in KIB_FOR_A_HOME)]
)
def test_a_disk_on_which_no_home_fits(limit: str, sample: Path, small_disk: Path) -> None:
    """Nothing that is half made stays in the way: with more room the same command makes the home."""
    subprocess.run(["mount", "-o", f"remount,{limit}", str(small_disk)], check=True)
    bonus = Bonus(sample / "program.yaml", sample / "landing", small_disk / "home")
    done = bonus("status")
    if done.returncode != 0:
        assert_clear(done, 1, 2)
    room = f"remount,size={SMALL_MIB}m,nr_inodes=10000"
    subprocess.run(["mount", "-o", room, str(small_disk)], check=True)
    again = bonus("status")
    assert (again.returncode, again.stderr) == (0, "")
    assert not (small_disk / "home" / "dagster" / ".making").exists()


CLOSE_INODES = range(0, 24, 3) if os.environ.get("BONUS_TORTURE") else (6, 12)
CLOSE_KIB = (0, 16, 64, 128, 256, 400, 512, 640) if os.environ.get("BONUS_TORTURE") else (128, 512)


@pytest.mark.parametrize(
    ("what", "free"), [*(("inodes", n) for n in CLOSE_INODES), *(("KiB", n) for n in CLOSE_KIB)]
)
def test_a_disk_that_is_full_in_the_middle_of_a_close(
    what: str, free: int, sample: Path, published: Path, small_disk: Path
) -> None:
    """The period is closed or it is not, the command says which, and its close log has one line at last."""
    home = shutil.copytree(published, small_disk / "home", symlinks=True)
    program = load_program(sample / "program.yaml").program
    period = program.periods[0].key
    bonus = Bonus(sample / "program.yaml", sample / "landing", home)
    assert bonus("status").returncode == 0  # makes Dagster's databases
    usage = os.statvfs(small_disk)
    used_kib = (usage.f_blocks - usage.f_bfree) * usage.f_frsize // KIB
    limits = {
        "inodes": f"nr_inodes={usage.f_files - usage.f_ffree + free}",
        "KiB": f"size={used_kib + free}k",
    }
    subprocess.run(["mount", "-o", f"remount,{limits[what]}", str(small_disk)], check=True)
    done = bonus("close", period, "--by", "grace")
    room = f"remount,size={4 * SMALL_MIB}m,nr_inodes=100000"
    subprocess.run(["mount", "-o", room, str(small_disk)], check=True)
    log = home / "closed" / f"program={program.program}" / "close-log.jsonl"
    if done.returncode == 0:
        assert len(log.read_text().splitlines()) == 1
        told = f"{period} is closed, but not all that follows is done: "
        assert done.stderr == "" or done.stderr.startswith(told)
        assert len(done.stderr.splitlines()) <= 1
    else:
        assert_clear(done, 1, 2)
        assert not log.exists()
    assert bonus("verify").returncode == 0
    again = bonus("close", period, "--by", "grace")
    assert again.returncode == (4 if done.returncode == 0 else 0), again.stderr
    assert len(log.read_text().splitlines()) == 1
    assert bonus("verify").returncode == 0


AS_NOBODY = f"""
import os
from orchestration.command_line import app as cli
from orchestration.dagster_glue import run_in_process as runs
from orchestration.terms.load import load_program
load_program(os.environ["BONUS_PROGRAM"])
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid({NOBODY})
    os.setuid({NOBODY})
cli.main()
"""
"""`bonus` by another user; imported before, since that user may not read where Python lies."""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that others may read; those of pytest are for their owner alone."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize(
    "command", ["run", "verify", "close", "status"] if os.environ.get("BONUS_TORTURE") else ["run"]
)
def test_a_home_that_may_not_be_written(
    command: str, sample: Path, published: Path, open_folder: Path
) -> None:
    home = shutil.copytree(published, open_folder / "home", symlinks=True)
    shutil.copytree(sample, open_folder / "sample")
    before = published_files(home)
    period = load_program(sample / "program.yaml").program.periods[0].key
    arguments = {"run": [period], "close": [period, "--by", "grace"]}
    (open_folder / "sample").chmod(0o755)
    folders = [home, *(path for path in home.rglob("*") if path.is_dir() and not path.is_symlink())]
    for folder in folders:
        folder.chmod(0o555)
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, command, *arguments.get(command, [])],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={
            **os.environ,
            "BONUS_PROGRAM": str(open_folder / "sample" / "program.yaml"),
            "BONUS_LANDING": str(open_folder / "sample" / "landing"),
            "BONUS_HOME": str(home),
        },
    )
    for folder in folders:
        folder.chmod(0o700)
    assert_clear(done, 2)
    assert "cannot be written by this user" in done.stderr
    assert published_files(home) == before


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A folder on another file system than temp."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        assert os.stat(folder).st_dev != os.stat(tempfile.gettempdir()).st_dev
        yield Path(folder)


def test_a_home_on_another_file_system_than_temp(
    sample: Path, published: Path, elsewhere: Path, tmp_path: Path
) -> None:
    (tmp_path / "tmp").mkdir()
    first = load_program(sample / "program.yaml").program.periods[0].key
    bonus = Bonus(sample / "program.yaml", sample / "landing", elsewhere / "home")
    done = bonus("run", first, TMPDIR=str(tmp_path / "tmp"))
    assert done.returncode == 0, done.stderr
    assert published_files(elsewhere / "home") == published_files(published)
    assert bonus("verify").returncode == 0
