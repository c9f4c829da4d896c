"""python -m tests.reference PROGRAM LANDING OUT PERIOD... runs the periods in that order and exports them to OUT."""

import sys
from pathlib import Path

from .book import Book
from .export import export
from .landing import read_landing
from .program import read_program


def main(program: str, landing: str, out: str, *periods: str) -> None:
    """§7: "a backfill may run periods in any order ... and ends in the same data"."""
    book, rows = Book(read_program(Path(program))), read_landing(Path(landing))
    for key in periods:
        book.run(key, rows)
    for key in periods:
        export(book.tables(key), Path(out) / key)


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
