"""A case through both sides, and what differs after each step."""

from __future__ import annotations

import tempfile
from pathlib import Path

from orchestration.pipeline.home import Home
from orchestration.terms.load import load_program
from tests.proof.cases import Case, Layout, write_landing
from tests.proof.compare import differences, published_rows
from tests.proof.product import FastRun, new_home
from tests.reference.book import Book
from tests.reference.landing import read_landing
from tests.reference.program import read_program

STARTER, CLOSER = "ada", "grace"


def prove(case: Case, layout: Layout | None = None) -> list[str]:
    """Every step on both sides; the first differences, none if there are none.

    With a layout the product reads files of it by its own ingest, without one the rows go to the
    raw tables. The reference reads files always, by its own reader.
    """
    with tempfile.TemporaryDirectory(prefix="proof-") as name:
        folder = Path(name)
        program_file = folder / "program.yaml"
        program_file.write_text(case.program, encoding="utf-8")
        landings = [
            write_landing(landing, folder / f"landing-{number}", layout or Layout())
            for number, landing in enumerate(case.landings)
        ]
        book = Book(read_program(program_file))
        inputs = [read_landing(landing) for landing in landings]
        home = new_home(folder / "home")
        loaded = load_program(program_file)
        program = loaded.program.program
        for number, step in enumerate(case.steps):
            run = FastRun(home, program, step.period, f"run-{number}", STARTER, loaded=loaded)
            run.rows = None if layout else case.landings[step.landing]
            run.run(program_file, landings[step.landing])
            book.run(step.period, inputs[step.landing])
            if found := compare(home, program, book):
                return [f"after step {number + 1}, {step.action} {step.period}:", *found]
    return []


def compare(home: Home, program: str, book: Book) -> list[str]:
    """All published periods of both sides."""
    published = home.store(program).published()
    if sorted(published) != sorted(book.runs):
        return [f"published are {sorted(published)}, not {sorted(book.runs)}"]
    return [
        line
        for period, publication in published.items()
        for line in differences(period, published_rows(publication), book.tables(period))
    ]
