"""A step of an adjustment by hand (§7): its row, what the next run makes of it, and the file it went to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from orchestration.adjusting.preview import Preview, previewed
from orchestration.adjusting.proposals import DATASET, Row, landed, write_row
from orchestration.ingest.landing_place import Landing, held
from orchestration.pipeline.home import Home
from orchestration.pipeline.refusals import Refused
from orchestration.terms.load import LoadedProgram


@dataclass(frozen=True, slots=True)
class Step:
    """A row; `path` is None where it was only shown."""

    row: Row
    preview: Preview
    path: Path | str | None

    @property
    def text(self) -> str:
        """For people: the row, and the creator's ledger row before and after."""
        return "\n".join([self.row.text, *self.preview.lines(self.row.currency)])


def take(
    home: Home,
    loaded: LoadedProgram,
    landing: Landing,
    made: Callable[[Sequence[Row]], Row],
    *,
    is_written: bool = True,
) -> Step:
    """Makes a row out of those that are landed, previews it, and writes it into the landing folder.

    Raises NotOne and Refused as `made` does, and OSError where the folder cannot be written to. Of a
    row that is written: no other one of ours comes between what was looked at and what is written.
    """
    with _held(landing) if is_written else nullcontext():
        rows = landed(loaded, landing)
        row = made(rows)
        preview = previewed(home, loaded.program, rows, row)
        return Step(row, preview, write_row(loaded, landing, row) if is_written else None)


@contextmanager
def _held(landing: Landing) -> Iterator[None]:
    try:
        with held(landing, DATASET.name):
            yield
    except TimeoutError:
        raise Refused(
            f"{landing}: another process is about to write into {DATASET.name}; try again when it has"
        ) from None
