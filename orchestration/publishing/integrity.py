"""Compares a version with what its run has left (§7, §9): every file, by the hashes that were kept.

Whatever is closed, carried on from, or verified is compared here first. What nobody can see is a
change by somebody who may write the home and writes all hashes anew (docs/security.md).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from orchestration.publishing.store import PROGRAM_FILE, RUN_FILE, Publication, file_hashes
from orchestration.records import RunRecord, Unreadable


def file_faults(
    what: str,
    version: Publication,
    *,
    closed_with: Mapping[str, str] | None = None,
    tables: Collection[str] | None = None,
    found: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """Every file that is missing, new or changed, in words.

    `closed_with` are the hashes in the close log, for a closed period; an open one goes by those
    that its run wrote down. With `tables` only their files, run.json and the program file are
    compared. `found` are the version's hashes where the caller has them already.
    """
    found = file_hashes(version.folder) if found is None else found
    try:
        record = version.record()
    except (OSError, Unreadable) as error:
        record = None
        if closed_with is None:
            yield f"{what}: {RUN_FILE} cannot be read ({type(error).__name__}: {error})"
            return
    if closed_with is not None:
        expected = dict(closed_with)
    elif record is not None:
        # Of run.json of 0.1.0 nothing is known, but that it was there.
        expected = {
            RUN_FILE: found.get(RUN_FILE, "a file"),
            **recorded_hashes(version, record),
        }
    for path in sorted(expected.keys() | found.keys()):
        table, _, rest = path.partition("/")
        if tables is not None and rest and table not in tables:
            continue
        where = f"{what}: {version.folder / path}"
        if path not in found:
            yield f"{where} is missing"
        elif path not in expected:
            yield f"{where} was not there when its run ended"
        elif expected[path] != found[path]:
            yield f"{where} was changed: SHA-256 is {found[path]}, expected {expected[path]}"
    if (
        record is not None
        and found.get(PROGRAM_FILE, record.program_sha256) != record.program_sha256
    ):
        yield (
            f"{what}: {version.folder / PROGRAM_FILE} is not the program file that its run has read: SHA-256 is"
            f" {found[PROGRAM_FILE]}, and {RUN_FILE} has {record.program_sha256}"
        )


def recorded_hashes(version: Publication, record: RunRecord) -> dict[str, str]:
    """SHA-256 by path of every file as the version's run has left it.

    Without run.json for a version of 0.1.0: it cannot hold its own hash, and no place beside it has one.
    """
    own = {RUN_FILE: version.run_file_sha256} if version.run_file_sha256 else {}
    return {**record.files, **own}
