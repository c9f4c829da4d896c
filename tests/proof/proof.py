"""A case through both sides, and what differs after each step."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestration.pipeline.closing import close_period
from orchestration.pipeline.flow import run_all
from orchestration.pipeline.home import Home
from orchestration.terms.load import LoadedProgram, load_program
from tests.proof import books_file
from tests.proof.cases import Case, Layout, Step, write_landing
from tests.proof.compare import differences, published_rows
from tests.proof.product import ask_suite, fast_run, new_home, rows_reader
from tests.proof.reach import reached
from tests.reference.book import Book
from tests.reference.landing import read_landing
from tests.reference.program import read_program

STARTER, CLOSER = "ada", "grace"


@dataclass(frozen=True)
class Files:
    """A case written to a folder: its program file and a landing directory for each landing."""

    program: Path
    landings: list[Path]
    home: Path


@contextmanager
def written(case: Case, layout: Layout | None = None) -> Iterator[Files]:
    """The case's files, for as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="proof-") as name:
        folder = Path(name)
        program = folder / "program.yaml"
        program.write_text(case.program, encoding="utf-8")
        landings = [
            write_landing(landing, folder / f"landing-{number}", layout or Layout())
            for number, landing in enumerate(case.landings)
        ]
        yield Files(program, landings, folder / "home")


class Product:
    """The product's side of a case, in this process.

    With a layout it reads files by its own ingest, without one the rows go to the raw tables.
    """

    def __init__(self, case: Case, files: Files, *, reads_files: bool, threads: int = 1) -> None:
        self.case, self.files, self.reads_files, self.threads = case, files, reads_files, threads
        self.home: Home = new_home(files.home)
        self.loaded: LoadedProgram = load_program(files.program)
        self._runs = 0

    @property
    def program(self) -> str:
        return self.loaded.program.program

    def do(self, step: Step) -> None:
        """One step."""
        if step.action == "close":
            close_period(self.home, self.loaded, step.period, CLOSER, gate=ask_suite)
            return
        self._runs += 1
        run = fast_run(
            self.home, self.program, step.period, f"run-{self._runs}", STARTER, threads=self.threads
        )
        rows = None if self.reads_files else self.case.landings[step.landing]
        run_all(
            run,
            self.files.program,
            self.files.landings[step.landing],
            None if rows is None else rows_reader(rows),
        )


@contextmanager
def computed(case: Case, layout: Layout | None = None, threads: int = 1) -> Iterator[Product]:
    """The product's side once all steps of a case are done; with a layout through real ingest."""
    with written(case, layout) as files:
        product = Product(case, files, reads_files=layout is not None, threads=threads)
        for step in case.steps:
            product.do(step)
        yield product


class Reference:
    """The reference's side of a case; it reads files always, by its own reader."""

    def __init__(self, files: Files) -> None:
        self.book = Book(read_program(files.program))
        self._landings = [read_landing(landing) for landing in files.landings]

    def do(self, step: Step) -> None:
        """One step."""
        if step.action == "close":
            self.book.close(step.period)
        else:
            self.book.run(step.period, self._landings[step.landing])


def prove(case: Case, layout: Layout | None = None, seen: Counter[str] | None = None) -> list[str]:
    """Every step on both sides; the first differences, none if there are none.

    At the end bean-check must accept the books of every period. Counts in `seen` what the case reaches.
    """
    with written(case, layout) as files:
        product = Product(case, files, reads_files=layout is not None)
        reference = Reference(files)
        for number, step in enumerate(case.steps, start=1):
            product.do(step)
            reference.do(step)
            if found := compare(product.home, product.program, reference.book):
                return [f"after step {number}, {step.action} {step.period}:", *found]
        if seen is not None:
            seen.update(reached(reference.book))
        program, out = product.loaded.program, files.home.with_name("books")
        return [
            fault
            for period in product.home.store(product.program).published()
            for fault in books_file.faults(product.home, program, period, out)
        ]


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
