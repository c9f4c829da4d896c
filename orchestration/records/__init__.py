"""The documents that a home keeps beside its tables: each a typed model with a schema number.

    RunRecord     run.json of a published or restated version: what its rows were made from, by whom
    CloseEntry    a line of the close log, repeated as the seal of the closed version
    LastRun       what the last run that read a period's input came to, published or not
    Registration  where a program's files were last seen
    Manifest      all that a mirror of a program's published periods shows

Belongs here: fields, and how bytes become a document. Does not: where the files lie, and any rule.

Reading is tolerant both ways: a document of an older version lacks fields, which then have their
defaults; one of a newer version has fields that are not known here, which are left alone. Nothing
is ever hashed that was parsed and written again: hashes are over the bytes that lie on disk.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from expectations.suite import GateResult

SCHEMA_NUMBER = 2
"""Of the documents written now. Documents of 0.1.0 have no number and count as 1."""


class Unreadable(ValueError):
    """A document is not what it should be; says what is wrong, never where it lies."""


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    def to_json(self) -> dict[str, Any]:
        """The document as JSON values; fields that are not set are left out."""
        found: dict[str, Any] = self.model_dump(mode="json", exclude_none=True)
        return found


class Record(_Document):
    """A document with a schema number."""

    indent: ClassVar[int | None] = 1
    schema_number: int = 1

    @classmethod
    def read(cls, content: bytes) -> Self:
        """The document that bytes hold; Unreadable if they hold none."""
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise Unreadable(f"{where}: {first['msg']}" if where else str(first["msg"])) from None

    def content(self) -> bytes:
        """The document as bytes for a file: keys sorted, with `indent` a line for each."""
        return json.dumps(self.to_json(), indent=self.indent, sort_keys=True).encode()


class Worker(_Document):
    """Somebody whose work is in a period (§7 "Close"): who, by which run, doing what."""

    by: str
    run_id: str
    work: Literal["read", "published", "restated"] = "published"


class Totals(_Document):
    """The figures of a version for an operator: counts, and money in minor units."""

    greatest_shares: Mapping[str, tuple[int, int]] = Field(default_factory=dict)
    creators: int = 0
    eligible_creators: int = 0
    posts: int = 0
    eligible_posts: int = 0
    program_amount_minor: int = 0
    currencies: Mapping[str, Mapping[str, int]] = Field(default_factory=dict)
    statuses: Mapping[str, int] = Field(default_factory=dict)


class Inputs(_Document):
    """The input of a run: its files, and the hash of each. `fingerprint` is over all of them."""

    fingerprint: str
    program_file: str
    program_sha256: str
    landing: str
    landing_sha256: str
    code: str
    engine: str = "duckdb"  # that built the tables, with its version if it is not a part of `code`
    # Hash over the files of each dataset; {}: written by earlier code.
    landing_datasets: Mapping[str, str] = Field(default_factory=dict)


class RunRecord(Record, Inputs):
    """run.json: the run whose rows a version holds. Hashes are SHA-256, hexadecimal."""

    program: str
    period: str
    currency: str | None = None  # of the program; None: written by 0.1.0
    attempt: str | None = None  # the reading of inputs that the rows came from; see LastRun
    run_id: str
    by: str
    ingested_by: str | None = None  # run that read the inputs
    read_by: str | None = None  # who started that run; None: written by 0.1.0
    published_at: str
    gates: Mapping[str, GateResult]
    totals: Totals
    data: Mapping[str, Any] = Field(default_factory=dict)
    files: Mapping[str, str] = Field(default_factory=dict)  # hash by path below the version

    @property
    def workers(self) -> list[Worker]:
        """§7: "who started the run that read its inputs, the run that published its rows"."""
        return [self.reader, Worker(by=self.by, run_id=self.run_id)]

    @property
    def reader(self) -> Worker:
        """The one who started the run that read the inputs."""
        return Worker(
            by=self.read_by or self.by, run_id=self.ingested_by or self.run_id, work="read"
        )


class PostedRestatement(_Document):
    """A restatement whose differences a closed period posts: its origin, and what it was made from."""

    period: str
    run_id: str
    landing_sha256: str
    program_sha256: str
    code_sha256: str


class CloseEntry(Record):
    """A line of the close log; hashes are SHA-256, hexadecimal.

    It holds what decided the payout: fingerprints of inputs, program file and code, hashes of every
    published file, counts and totals. What can be derived from those files (rates, statuses) is left
    out. Amounts are text, since canonical JSON (RFC 8785) has no whole numbers above 2^53.
    """

    program: str
    period: str
    revision: int
    approved_by: str
    started_by: str
    run_id: str
    closed_at: str  # UTC, to the second
    workers: tuple[Worker, ...] | None = None  # None: written by 0.1.0
    restatements: tuple[PostedRestatement, ...] | None = None  # None: written by 0.1.0
    landing_sha256: str
    program_sha256: str
    code_sha256: str
    rows: Mapping[str, int]  # by published table
    totals: Mapping[str, Mapping[str, str]]  # by currency: minor units by what they are
    ledger_sha256: str
    journal_sha256: str
    files: Mapping[str, str]  # hash by path, of every file of the published version
    statements: int | None = None  # size of the tree of statements (§12)
    # None: closed by earlier code, or published by it without the tables of §9.
    statements_root: str | None = None
    previous_sha256: str

    def line(self) -> bytes:
        """The entry as canonical JSON (RFC 8785), without a line end: only for a new line."""
        import rfc8785

        return rfc8785.dumps(self.to_json())

    @classmethod
    def from_line(cls, line: bytes) -> CloseEntry:
        """The entry that a line holds; Unreadable if it holds none, or not in canonical form."""
        import rfc8785

        entry = cls.read(line)
        # The whole object, with fields that are not known here: a line of tomorrow is canonical too.
        try:
            canonical = rfc8785.dumps(json.loads(line))
        except (ValueError, RecursionError) as error:
            raise Unreadable("no JSON in canonical form") from error
        if canonical != line:
            raise Unreadable("not in canonical form")
        return entry


class Blocked(_Document):
    """The gate that ended a run: that of its own period, or of a later one that was settled anew."""

    period: str
    stage: str


class LastRun(Record):
    """The outcome of the last run that read a period's input (§7 "every gate must have held").

    Written when the reading begins, so a run that dies leaves one without `inputs`. It is published
    if the period's version has the same `attempt`.
    """

    indent: ClassVar[int | None] = None  # written a dozen times in a run, and no person reads it

    program: str
    period: str
    attempt: str
    run_id: str
    by: str
    started_at: str
    generation: int = 0  # that was published when it began: says what came first without a clock
    inputs: Inputs | None = None  # None: the reading has not come to its end
    gates: Mapping[str, GateResult] = Field(default_factory=dict)
    blocked: Blocked | None = None
    # By stage, in the order in which they were built.
    models: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    # Of the work file, once a run has come to its end; None: it has not, or earlier code wrote this.
    work_sha256: str | None = None
    is_shown: bool = False  # the run came to its end: what it made is published, or restates
    taken_from: str | None = None  # run whose tables are in the work file still: nothing was new

    @property
    def has_published(self) -> bool:
        """True if the run came to its end, behind the switch; earlier code wrote its hash alone."""
        return self.is_shown or self.work_sha256 is not None


class Registration(Record):
    """The places where a program's files were last seen. A run from the UI reads them there."""

    program_file: str
    landing: str | None = None  # None: it is not known yet


class MirroredFile(_Document):
    """A file of a version in a mirror: the object that holds it, relative to the manifest, and its bytes."""

    object: str
    sha256: str
    size_bytes: int


class MirroredPeriod(_Document):
    """A version in a mirror, its files by path as in the home (`payout_ledger/part-0.parquet`)."""

    state: Literal["estimated", "closed"]
    revision: int
    files: Mapping[str, MirroredFile]


class Manifest(Record):
    """The one object of a mirror that changes: which files are published, and which restate, by period.

    `home` says whose mirror it is, and `generation` how often that home has changed what it publishes.
    """

    program: str
    home: str
    generation: int
    published: Mapping[str, MirroredPeriod]
    restated: Mapping[str, MirroredPeriod]

    @property
    def objects(self) -> dict[str, MirroredFile]:
        """Every object that it names, once."""
        shelves = (self.published, self.restated)
        versions = [version for shelf in shelves for version in shelf.values()]
        return {file.object: file for version in versions for file in version.files.values()}
