"""`python -m benchmarks.measure SIZE...`: bare query, script and `bonus run` in turns; a table as Markdown.

SIZE is millions of snapshots. Reads BENCH_FOLDER (default: a temporary folder), BENCH_ROUNDS (3) and
BENCH_SUFFIX (parquet, or csv.gz, where only the run is measured).
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.data import PERIOD, write_landing

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Measured:
    """One run of a command with all its children."""

    wall_seconds: float
    cpu_seconds: float
    peak_gib: float


def measure(command: list[str]) -> Measured:
    """Runs a command; CalledProcessError, with what it said, if it fails."""
    before = os.times()
    started = time.monotonic()
    peak = 0
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        output: list[str] = []
        reader = threading.Thread(target=lambda: output.append(process.stdout.read()), daemon=True)  # type: ignore[union-attr]
        reader.start()
        while process.poll() is None:
            peak = max(peak, _tree_bytes(process.pid))
            time.sleep(0.1)
        reader.join()
    wall = time.monotonic() - started
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, "".join(output))
    after = os.times()
    cpu = (
        after.children_user + after.children_system - before.children_user - before.children_system
    )
    return Measured(wall, cpu, peak / 2**30)


def _tree_bytes(root: int) -> int:
    """Resident memory of a process and all below it, now; pages that are shared count for each."""
    parents, sizes = {}, {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
                parents[int(folder.name)] = int(fields[1])
                sizes[int(folder.name)] = int(fields[21]) * _PAGE
            except OSError:  # gone meanwhile
                continue
    tree = {root}
    grown = True
    while grown:
        grown = False
        for child, parent in parents.items():
            if parent in tree and child not in tree:
                tree.add(child)
                grown = True
    return sum(sizes.get(process, 0) for process in tree)


def compare(size: int, rounds: int, folder: Path, suffix: str) -> list[str]:
    """Rows of the table for one size, in millions."""
    landed = folder / f"{size}m-{suffix}"
    if not landed.exists():
        write_landing(landed, size * 1_000_000, suffix)
    home = landed / "home"
    python = sys.executable
    commands = {
        "bonus run": [
            python, "-m", "orchestration.cli", "run", PERIOD, "--by", "bench",
            "--program", str(landed / "program.yaml"),
            "--landing", str(landed / "landing"), "--home", str(home),
        ],
    }  # fmt: skip
    if suffix == "parquet":
        floors = [python, "-m", "benchmarks.floors"]
        commands["script"] = [*floors, "script", str(landed), str(home)]
        commands["bare"] = [*floors, "bare", str(landed)]
    found: dict[str, list[Measured]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            found[name].append(measure(command))
    floor = found.get("bare")
    lines = []
    for name in reversed(commands):
        wall = [row.wall_seconds for row in found[name]]
        cpu = [row.cpu_seconds for row in found[name]]
        ratio = f"{min(cpu) / min(row.cpu_seconds for row in floor):.1f}" if floor else ""
        peak = max(row.peak_gib for row in found[name])
        lines.append(
            f"| {size} | {suffix} | {name} | {min(wall):.1f} / {statistics.median(wall):.1f}"
            f" | {min(cpu):.1f} / {statistics.median(cpu):.1f} | {ratio} | {peak:.2f} |"
        )
    return lines


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or [1, 4]
    rounds = int(os.environ.get("BENCH_ROUNDS", "3"))
    suffix = os.environ.get("BENCH_SUFFIX", "parquet")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(os.environ.get("BENCH_FOLDER", temporary))
        print(
            "| million | format | what | wall s, min / median | CPU s, min / median | x bare (CPU) | peak GiB |"
        )
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for size in sizes:
            for line in compare(size, rounds, folder, suffix):
                print(line, flush=True)


if __name__ == "__main__":
    main()
