"""Domain errors as Dagster failures: one clear message, and the exit status of §10 beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from orchestration.ingest.bucket import NotReachable
from orchestration.ledger.money import AmountTooLarge
from orchestration.ledger.settlement import MissingRate
from orchestration.pipeline.dbt_runner import ModelsFailed
from orchestration.pipeline.refusals import GateFailed, Refused
from orchestration.records import Unreadable
from orchestration.terms.load import ProgramFileError

EXIT_STATUS = "exit_status"

_STATUS: dict[type[Exception], int] = {
    ProgramFileError: 2,
    NotReachable: 2,
    GateFailed: 3,
    MissingRate: 3,
    Refused: 4,
    Unreadable: 4,
    AmountTooLarge: 1,
    ModelsFailed: 1,
}


def not_writable(folder: Path, error: OSError) -> Refused:
    """The refusal of a job whose folder `out` cannot be written, or lies in the home."""
    why = error.strerror or error
    return Refused(f"cannot write to {folder}: {why}; name another folder as out")


@contextmanager
def as_failures() -> Iterator[None]:
    """Turns what the pipeline raises on purpose into dg.Failure; anything else passes as it is."""
    try:
        yield
    except tuple(_STATUS) as error:
        raise dg.Failure(
            str(error), metadata={EXIT_STATUS: _STATUS[type(error)]}, allow_retries=False
        ) from None
