"""Runs that keep whatever they can of landing files, for tests with files that are small and new."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from orchestration.ingest import extracts, file_cache, fingerprint


@contextmanager
def everything_is_kept() -> Iterator[None]:
    """However small and new a file is, and however little an extract of it saves; a group a day."""
    with ExitStack() as stack:
        for module, name, value in (
            (file_cache, "LEAST_FILE_BYTES", 0),
            (fingerprint, "_SETTLED_NS", -(10**18)),
            (extracts, "_LEAST_SAVED", 0),
            (extracts, "_month", lambda instant: f"{instant:%Y-%m-%d}"),
        ):
            stack.enter_context(patch.object(module, name, value))
        yield
