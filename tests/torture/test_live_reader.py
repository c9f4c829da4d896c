"""A reader who reads all along while runs, restatements and closes are published (§9).

It does what docs/tables.md tells readers to do: look up `published` once, then read below it.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.pipeline.publishing import publish
from tests.conftest import ROOT
from tests.torture.crashes import Stage, write_deliveries

pytestmark = pytest.mark.long


def read_all(here: Path) -> list[Any]:
    """All that a generation shows, read file by file: its name, a hash of all bytes, balances."""
    digest = hashlib.sha256()
    for shelf in (here, here.parent / "restated"):
        for path in sorted(shelf.glob("period=*/*/*.parquet")):
            digest.update(f"{path.relative_to(here.parent)}".encode() + path.read_bytes())
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select period, payout_currency, sum(opening_balance_minor)::text,"
            " sum(closing_balance_minor)::text"
            " from read_parquet($1, hive_partitioning = true) group by all order by all",
            [f"{here}/*/payout_ledger/*.parquet"],
        ).fetchall()
    return [here.parent.name, digest.hexdigest(), list(map(list, rows))]


def read_until(link: Path, stop: Path) -> None:
    """Says what is published, a line each time, until there is a file `stop`."""
    while not stop.exists():
        print(json.dumps(read_all(link.resolve())), flush=True)


class Reader:
    """What a reader in a process of its own has said so far."""

    def __init__(self, said: Path, process: subprocess.Popen[bytes]) -> None:
        self._said, self._process = said, process

    def reads(self) -> list[Any]:
        whole = self._said.read_bytes().rpartition(b"\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def wait_for(self, generation: str) -> None:
        """Until it has read a generation: the publish after the next may sweep the one before away."""
        while all(read[0] != generation for read in self.reads()):
            assert self._process.poll() is None, "the reader has died; what it said is above"
            time.sleep(0.02)


@contextmanager
def reading(link: Path, folder: Path) -> Iterator[Reader]:
    """A reader of what `link` shows; its process ends with the block, with status 0 or the test fails."""
    stop, said = folder / "stop", folder / "said"
    with said.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.torture.test_live_reader", str(link), str(stop)],
            cwd=ROOT, stdout=out,
        )  # fmt: skip
    try:
        yield Reader(said, process)
    finally:
        stop.touch()
        status = process.wait()
    assert status == 0


def test_a_reader_sees_the_old_tables_or_the_new_ones(tmp_path: Path) -> None:
    write_deliveries(tmp_path)
    stage = Stage(tmp_path, tmp_path / "home")
    books = stage.books
    publish(stage.up_to_publish(0))
    link = stage.home / "published" / f"program={books.program.program}"
    published = [read_all(link.resolve())]

    def seen() -> None:
        published.append(read_all(link.resolve()))
        reader.wait_for(published[-1][0])

    def publish_anew(period: int, *, corrected: bool = False) -> None:
        publish(stage.up_to_publish(period, corrected))
        seen()

    with reading(link, tmp_path) as reader:
        reader.wait_for(published[0][0])
        publish_anew(2)
        publish_anew(1)  # settles period 2 anew
        publish_anew(0, corrected=True)  # both later ones
        publish_anew(0)
        books.close(books.periods[0])  # settles both later ones anew, to the same bytes
        seen()
        by_the_close = published[-1]
        publish_anew(0, corrected=True)  # a restatement, and what it leads to
        publish_anew(1, corrected=True)
        publish_anew(0)
    reads = reader.reads()
    assert [read for read in reads if read not in published] == []
    assert [name for name, _ in groupby(reads, key=itemgetter(0))] == [
        generation for generation, *_ in published
    ]
    assert all(
        (one[1:] != next_one[1:]) == (next_one is not by_the_close)
        for one, next_one in pairwise(published)
    )


if __name__ == "__main__":
    read_until(Path(sys.argv[1]), Path(sys.argv[2]))
