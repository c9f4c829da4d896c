"""Writes the folder of a new program: program file, schemas, folders to deliver into, README, example."""

from __future__ import annotations

import csv
import io
import shlex
from pathlib import Path

from orchestration.described.contract_docs import schemas
from orchestration.ingest.datasets import DATASETS, Dataset
from orchestration.new_program.answers import Answers
from orchestration.new_program.example import Rows, example_rows
from orchestration.new_program.program_text import program_text
from orchestration.new_program.readme import readme
from orchestration.terms.load import parse_program

PROGRAM_FILE, LANDING, EXAMPLE, HOME = "program.yaml", "landing", "example/landing", "example/home"


class Occupied(ValueError):
    """There is something already where the folder would be written."""


def demand_vacant(folder: Path) -> None:
    """Occupied unless the folder is absent or empty; OSError where that cannot be seen."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise Occupied(f"{folder} is no folder")
    if folder.is_dir() and any(folder.iterdir()):
        raise Occupied(f"{folder} is not empty, and nothing is overwritten")


def write_program(folder: Path, answers: Answers) -> list[str]:
    """Writes the files of a new program, and gives the example's command: what to type, in parts.

    Occupied, with nothing written, unless the folder is absent or empty; OSError where it cannot be
    written.
    """
    demand_vacant(folder)
    for name, content in new_files(answers).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="") as file:
            file.write(content)
    return run_command(folder, answers)


def run_command(folder: Path, answers: Answers) -> list[str]:
    """The command that runs the example's first period."""
    return [
        "bonus", "run", f"{answers.first:%Y-%m}", "--program", str(folder / PROGRAM_FILE),
        "--landing", str(folder / EXAMPLE), "--home", str(folder / HOME),
    ]  # fmt: skip


def new_files(answers: Answers) -> dict[str, str]:
    """The text of each file by its path below the folder."""
    program = program_text(answers)
    parse_program(
        program.encode(), PROGRAM_FILE
    )  # what is proposed is valid, or nothing is written
    rows = example_rows(answers)
    return {
        "README.md": readme(answers, shlex.join(run_command(Path(), answers))),
        PROGRAM_FILE: program,
        **{f"schemas/{name}": text for name, text in schemas().items()},
        # A name that begins with _ is skipped when the folder is read.
        **{f"{LANDING}/{dataset.name}/_header.csv": header(dataset) for dataset in DATASETS},
        **{
            f"{EXAMPLE}/{dataset.name}/{_example_name(dataset, rows)}": (
                _csv(rows[dataset.name]) if dataset.name in rows else header(dataset)
            )
            for dataset in DATASETS
        },
    }


def header(dataset: Dataset) -> str:
    """The first line of a CSV file of the dataset, with all columns."""
    return ",".join(dataset.column_names) + "\n"


def _example_name(dataset: Dataset, rows: dict[str, Rows]) -> str:
    """A dataset without rows has a folder all the same, which a skipped file keeps."""
    return "example.csv" if dataset.name in rows else "_header.csv"


def _csv(rows: Rows) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
