"""`python -m benchmarks.measure SIZE...`: bare query, script and `bonus run` in turns; a table as Markdown.

SIZE is millions of snapshots. Reads BENCH_FOLDER (default: a temporary folder), BENCH_ROUNDS (3),
BENCH_SUFFIX (parquet; posts.parquet for files of 5 million rows in the order of posts; or csv.gz, where
only the run is measured) and BENCH_CHART (an SVG of how the cost grows). With a file of Parquet a day
the period is run once more in the end, after the last day's file was replaced. With two sizes or more
it ends with slopes, since at small sizes the fixed costs of a run hide all else.
"""

from __future__ import annotations

import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.data import DAYS, PERIOD, replace_day, write_landing

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


def bonus_run(program: Path, landing: Path, home: Path, *periods: str) -> list[str]:
    """The command that runs periods."""
    return [
        sys.executable, "-m", "orchestration.command_line.app", "run", *periods, "--by", "bench",
        "--program", str(program), "--landing", str(landing), "--home", str(home),
    ]  # fmt: skip


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


Rounds = dict[str, list[Measured]]
"""Name of a command -> what each round of it came to."""


def rounds_of(size: int, rounds: int, folder: Path, suffix: str) -> Rounds:
    """Runs the commands in turns over landing data of a size in millions, made if it is not there."""
    landed = folder / f"{size}m-{suffix}"
    if not landed.exists():
        write_landing(landed, size * 1_000_000, suffix)
    home = landed / "home"
    commands = {"bonus run": bonus_run(landed / "program.yaml", landed / "landing", home, PERIOD)}
    if suffix != "csv.gz":
        floors = [sys.executable, "-m", "benchmarks.floors"]
        commands["script"] = [*floors, "script", str(landed), str(home)]
        commands["bare"] = [*floors, "bare", str(landed)]
    found: Rounds = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            found[name].append(measure(command))
    again = {}
    if suffix == "parquet":
        replace_day(landed / "landing")
        again = {f"again, 1 of {DAYS} files new": [measure(commands["bonus run"])]}
    return {name: found[name] for name in reversed(commands)} | again


def table_rows(size: int, suffix: str, found: Rounds) -> list[str]:
    """A row of the table for each command; the ratio is that of the least CPU seconds."""
    floor = found.get("bare")
    lines = []
    for name, rows in found.items():
        wall, cpu = [row.wall_seconds for row in rows], [row.cpu_seconds for row in rows]
        ratio = f"{min(cpu) / least_cpu(floor):.1f}" if floor else ""
        peak = max(row.peak_gib for row in rows)
        lines.append(
            f"| {size} | {suffix} | {name} | {min(wall):.1f} / {statistics.median(wall):.1f}"
            f" | {min(cpu):.1f} / {statistics.median(cpu):.1f} | {ratio} | {peak:.2f} |"
        )
    return lines


def least_cpu(rows: list[Measured]) -> float:
    """CPU seconds of the cheapest round: what other work on the machine disturbs least."""
    return min(row.cpu_seconds for row in rows)


def slopes(measured: dict[int, Rounds]) -> list[str]:
    """CPU seconds that each further million costs between one size and the next: fixed costs fall out."""
    lines = []
    for small, big in itertools.pairwise(sorted(measured)):
        names = measured[small].keys() & measured[big].keys()
        grown = {
            name: (least_cpu(measured[big][name]) - least_cpu(measured[small][name]))
            / (big - small)
            for name in names
        }
        for name in sorted(names):
            ratio = f", {grown[name] / grown['bare']:.1f}x bare" if "bare" in names else ""
            lines.append(
                f"from {small} to {big} million, {name}: {grown[name]:.2f} a million{ratio}"
            )
    return lines


def draw(measured: dict[int, Rounds], file: Path) -> None:
    """CPU seconds over millions of snapshots, both logarithmic, a line a command."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    pyplot.rcParams["svg.hashsalt"] = "bench"
    figure, axes = pyplot.subplots(figsize=(6.4, 4))
    for name in dict.fromkeys(name for found in measured.values() for name in found):
        sizes = [size for size in sorted(measured) if name in measured[size]]
        axes.plot(sizes, [least_cpu(measured[size][name]) for size in sizes], "o-", label=name)
    axes.set(xscale="log", yscale="log", xlabel="million snapshots", ylabel="CPU seconds")
    axes.set_xticks(sorted(measured), [str(size) for size in sorted(measured)])
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or [1, 4]
    rounds = int(os.environ.get("BENCH_ROUNDS", "3"))
    suffix = os.environ.get("BENCH_SUFFIX", "parquet")
    measured: dict[int, Rounds] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(os.environ.get("BENCH_FOLDER", temporary))
        print(
            "| million | format | what | wall s, min / median | CPU s, min / median | x bare (CPU) | peak GiB |"
        )
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for size in sizes:
            measured[size] = rounds_of(size, rounds, folder, suffix)
            for line in table_rows(size, suffix, measured[size]):
                print(line, flush=True)
    print("\nCPU seconds a million:", *slopes(measured), sep="\n")
    if chart := os.environ.get("BENCH_CHART"):
        draw(measured, Path(chart))


if __name__ == "__main__":
    main()
