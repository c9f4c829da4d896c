"""Sample data: a program and the landing files of its creators, to try the pipeline with.

The same arguments give the same bytes, on any machine with the same library versions: one seeded
generator is drawn from in a fixed order, and nothing asks for the time or the locale.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from orchestration.foundations.files import replace_file


@dataclass(frozen=True)
class SampleSummary:
    """The outcome of `write_sample`: the folder, and the number of rows of each dataset."""

    program_file: Path
    landing: Path
    rows: dict[str, int]


def write_sample(
    out: Path, *, creators: int = 2000, periods: int = 6, seed: int = 2024
) -> SampleSummary:
    """Writes `out/program.yaml` and `out/landing/<dataset>/...`.

    ValueError unless creators is 60 to 100,000 and periods 1 to 24; FileExistsError where landing
    files are already, since rows of two samples in one directory would contradict each other, and where
    another program file or a link is.
    """
    from orchestration.sample.program import program_text
    from orchestration.sample.world import write_landing

    if not 60 <= creators <= 100_000:
        raise ValueError(f"creators: {creators} is not in 60 to 100000")
    if not 1 <= periods <= 24:
        raise ValueError(f"periods: {periods} is not in 1 to 24")
    program_file, landing = out / "program.yaml", out / "landing"
    if landing.is_dir() and any(landing.iterdir()):
        raise FileExistsError(f"{landing}: there is data already")
    content = program_text(creators, periods).encode()
    is_link = program_file.is_symlink()
    if is_link or (program_file.exists() and program_file.read_bytes() != content):
        raise FileExistsError(f"{program_file}: there is a program file already")
    landing.mkdir(parents=True, exist_ok=True)
    replace_file(program_file, content)
    return SampleSummary(program_file, landing, write_landing(landing, creators, periods, seed))
