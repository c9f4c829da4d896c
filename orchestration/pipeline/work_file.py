"""The work file of a period: one DuckDB file that ingest replaces whole and later stages add to.

It also holds the gates' verdicts. A stage demands them for just the data that the file holds, so
they die with the data, whoever starts the stage and however. A file that anything but a stage has
written to since is refused: beside it lies its size and time as the last stage left it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expectations.suite import GateResult, Stake
from orchestration.pipeline import engine
from orchestration.terms.currencies import money_text

if TYPE_CHECKING:
    import duckdb

STAGES = ("ingest", "staging", "eligibility", "scoring", "ledger")
"""The stages with a gate behind them, in the order of the flow."""

ROOT = Path(__file__).resolve().parents[2]


class Refused(RuntimeError):
    """The state of the work file does not allow what was asked; says what to do."""


class GateFailed(RuntimeError):
    """A gate has not held: the run is blocked (§8)."""

    def __init__(self, stage: str, result: GateResult) -> None:
        self.stage = stage
        self.result = result
        super().__init__(summarize(stage, result))


def summarize(stage: str, result: GateResult) -> str:
    """What a blocked run says in logs, exceptions and alerts: expectations and counts.

    No rows, since they hold ids of people, and not why an expectation could not be evaluated, since
    an engine's message may quote a value. Both stand in the checks' metadata.
    """
    lines = [f"the {stage} gate has not held:"]
    for row in result.results:
        if row.blocks and row.state == "failed":
            lines.append(f"  {row.name}: {row.failing_rows} rows of {row.table}: {row.means}")
        elif row.blocks:
            lines.append(f"  {row.name}: could not be evaluated; the check says why")
    if result.stake is not None:
        lines.append(f"  at stake: {at_stake(result.stake)}")
    return "\n".join(lines)


def describe(stage: str, result: GateResult) -> str:
    """What a blocked run says on its own terminal: `summarize`, and the first rows (§8)."""
    lines = [f"the {stage} gate has not held:"]
    for row in result.results:
        if not row.blocks:
            continue
        if row.state == "failed":
            lines.append(f"  {row.name}: {row.failing_rows} rows of {row.table}: {row.means}")
        else:
            lines.append(f"  {row.name}: could not be evaluated: {row.problem}")
        for shown in row.rows:
            lines.append("    " + ", ".join(f"{name}={value!r}" for name, value in shown.items()))
    if result.stake is not None:
        lines.append(f"  at stake: {at_stake(result.stake)}")
    return "\n".join(lines)


def at_stake(stake: Stake) -> str:
    """What hangs on a gate, in words: creators, and money by currency."""
    if stake.creators is None:
        return "not known: no deals were ingested"
    who = f"{stake.creators:,} creators" + (" (all with a deal)" if stake.is_everyone else "")
    if stake.money_of is None:
        return f"{who}; no money is published yet"
    amounts = ", ".join(
        f"{currency} {money_text(currency, minor)}" for currency, minor in stake.money_minor.items()
    )
    whose = (
        "as settled by this run"
        if stake.money_of == "this run"
        else f"as published for {stake.money_of}"
    )
    return f"{who}; {amounts or 'no money'}, {whose}"


@cache
def code_fingerprint() -> str:
    """SHA-256 over the code and models that make the numbers: an old work file is not taken on."""
    digest = hashlib.sha256()
    for folder, pattern in (
        ("orchestration", "*.py"),
        ("expectations", "*.py"),
        ("dbt_project/models", "*.sql"),
        ("dbt_project/macros", "*.sql"),
    ):
        for path in sorted((ROOT / folder).rglob(pattern)):
            digest.update(f"{path.relative_to(ROOT)}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


class WorkFile:
    """A period's work file: `<home>/work/<program>/<period>/work.duckdb`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # The stem is the catalog that dbt's manifest names, so it is the same for all.
        self.path = folder / "work.duckdb"
        self.spill = folder / "spill"
        self._log = folder / "work.duckdb.wal"
        self._stamp = folder / "work.stamp.json"

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection for a stage; end it before dbt or a gate opens the file.

        Refused if there is no file: DuckDB would make an empty one.
        """
        import duckdb

        if not self.path.exists():
            raise Refused(f"{self._who()}: nothing is ingested yet; run ingest first")
        with self.stage_writes(), duckdb.connect(self.path) as connection:
            connection.execute("set TimeZone = 'UTC'")
            engine.apply(connection, self.spill)
            yield connection

    @contextmanager
    def stage_writes(self) -> Iterator[None]:
        """What is written inside is a stage's: the file then counts as left by it, also if it fails.

        A file that was changed before stays a changed one, until ingest replaces it.
        """
        was_left_so = self.is_as_left()
        try:
            yield
        finally:
            if was_left_so:
                self._leave()

    def is_as_left(self) -> bool:
        """Whether nothing has written to the file since a stage last did.

        A log beside it belongs to a process that died: it would be played back into the file.
        """
        try:
            return self._stamp.read_bytes() == self._state() and not self._log.exists()
        except FileNotFoundError:
            return False

    def replace_with(self, fresh: Path) -> None:
        """Puts a freshly ingested file in the place of the old one, in one step."""
        self._log.unlink(missing_ok=True)
        os.replace(fresh, self.path)
        self._leave()

    def _leave(self) -> None:
        self._stamp.write_bytes(self._state())

    def _state(self) -> bytes:
        found = self.path.stat()
        return json.dumps({"size": found.st_size, "mtime_ns": found.st_mtime_ns}).encode()

    def meta(self) -> dict[str, Any]:
        """What the file was made from; Refused if there is none, or an older code made it."""
        with self.connect() as connection:
            return self.meta_in(connection)

    def meta_in(self, connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
        """As `meta`, by a connection that is open already: to open one costs some 20 ms."""
        row = connection.execute("select content from _meta").fetchone()
        meta: dict[str, Any] = json.loads(row[0]) if row else {}
        if meta.get("code") != code_fingerprint():
            raise Refused(
                f"{self._who()}: the work file was made by another version of the code; "
                "run ingest again"
            )
        return meta

    def require(self, stage: str) -> dict[str, Any]:
        """Demands that every gate before `stage` has held for the data in the file; returns its meta.

        `stage` may be "publish". Verdicts of this stage and of all after it are withdrawn, since
        what they spoke of is about to be replaced. A file that was changed since its gates looked
        at it is refused too.
        """
        was_left_so = self.is_as_left()
        before = STAGES[: STAGES.index(stage)] if stage in STAGES else STAGES[:-1]
        with self.connect() as connection:
            meta = self.meta_in(connection)
            if not was_left_so:
                raise Refused(
                    f"{self._who()}: {self.path} is not as the stage before left it (it was "
                    f"edited, or a stage died while it wrote); {stage} refused. Run the period "
                    "from ingest on"
                )
            held = dict(
                connection.execute(
                    "select stage, held from _gates where fingerprint = $1", [meta["fingerprint"]]
                ).fetchall()
            )
            for earlier in before:
                if not held.get(earlier, False):
                    state = "has failed" if earlier in held else "has not run"
                    raise Refused(
                        f"{self._who()}: the {earlier} gate {state} for the data in the work file; "
                        f"{stage} refused. Run the period from ingest on"
                    )
            for later in STAGES[len(before) :]:
                connection.execute("delete from _gates where stage = $1", [later])
        return meta

    def record(self, stage: str, result: GateResult) -> None:
        """Writes down a gate's verdict for the data in the file."""
        with self.connect() as connection:
            fingerprint = self.meta_in(connection)["fingerprint"]
            connection.execute("delete from _gates where stage = $1", [stage])
            connection.execute(
                "insert into _gates values ($1, $2, $3, $4)",
                [stage, result.held, fingerprint, json.dumps(result.to_json())],
            )

    def verdicts(self) -> dict[str, GateResult]:
        """The recorded results by stage, in the order of the flow; none before the first ingest."""
        if not self.path.exists():
            return {}
        with self.connect() as connection:
            rows = dict(connection.execute("select stage, result from _gates").fetchall())
        return {
            stage: GateResult.from_json(json.loads(rows[stage]))
            for stage in STAGES
            if stage in rows
        }

    def _who(self) -> str:
        return f"{self.folder.parent.name} {self.folder.name}"
