"""Statements as files (§12): a page and the proved facts a creator, and an index of all.

Creators are read in bunches, a query a table each, so the memory that is taken does not grow with
their number but for the tree's 100 bytes each. Every file is written whole. A page that is there
already and was made from the same is left, so a command that was stopped goes on where it ended.
"""

from __future__ import annotations

import atexit
import csv
import hashlib
import hmac
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, time
from functools import cache
from importlib.metadata import version
from io import StringIO
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Any, Final

from orchestration.explain.reading import explain_rows, explained_period, read_creators
from orchestration.explain.rows import CreatorRows
from orchestration.foundations.files import demand_outside, folder_held, replace_file
from orchestration.ledger.proofs import Sealing, Tree, canonical, proof_of
from orchestration.pipeline.close_log import CloseLog
from orchestration.pipeline.home import Home
from orchestration.pipeline.proving import sealing_of, tree_fault
from orchestration.pipeline.refusals import Refused
from orchestration.publishing.creators import Creators
from orchestration.publishing.facts import Facts, statement_facts
from orchestration.publishing.store import Publication
from orchestration.statements.decisions import reasons_of
from orchestration.statements.figures import Reasons, statement_of
from orchestration.statements.languages import Language, language_of
from orchestration.statements.page import MARK_DIGITS, NO_MARK, TermsPages, mark_in, marked, render
from orchestration.statements.pdf import demand_weasyprint, pdf_of
from orchestration.terms.model import Program

BUNCH: Final = 500
"""Creators that are read at a time."""
MANY: Final = 5
"""Bunches from which on a process a core is worth its start."""
MOST_PROCESSES: Final = 4  # each takes some 200 MB
INDEX: Final = "index.csv"
_NAME_DIGITS: Final = 24


class UnknownCreators(LookupError):
    """Creators that were named have no row in the ledger of the period."""


@dataclass(frozen=True, slots=True)
class Written:
    """The outcome: `made` are those of the statements that were not there yet, or not like this."""

    program: str
    period: str
    state: str
    folder: str
    statements: int
    made: int
    languages: Mapping[str, int]
    root: str
    tree_size: int


def name_of(creator_id: str) -> str:
    """The name of a creator's files: "first 24 hexadecimal digits of SHA-256 of the creator_id in UTF-8"."""
    return hashlib.sha256(creator_id.encode()).hexdigest()[:_NAME_DIGITS]


def write_statements(
    home: Home,
    program: Program,
    period: str,
    out: Path,
    *,
    creators: Sequence[str] = (),
    language: Language | None = None,
    as_pdf: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Written:
    """Writes the statements of a published period, of all creators with a ledger row or those named.

    Without `language` by the creator's market; `as_pdf` makes a PDF of each page beside it. `program` says
    only in which order periods stand. UnknownCreators names those without a row; NoPdf where
    WeasyPrint is missing; Refused where the period is not published, or without the tables that explain,
    where the key is lost, or the tables do not agree with each other or with the root in the close log;
    OSError where `out` cannot be written, or lies in the home.
    """
    apart = home.apart()
    demand_outside(out, apart)  # before minutes of work
    if as_pdf:
        demand_weasyprint()
    publication, before = explained_period(home, program, period)
    sealing = sealing_of(home, program.program, publication, publication.state)
    tell("reading what is proved")
    tree, bunches = _proved(publication, sealing, creators)
    _demand_root_of_close(home, program.program, publication, sealing, tree)
    done = []
    with folder_held(out, outside=apart) as held:
        for made in _each_made(bunches, publication, before, sealing, tree, held, language, as_pdf):
            done += made
            tell(f"{len(done):,} of {len(creators) or tree.size:,} statements")
        replace_file(held / INDEX, _index(done))
    return Written(
        program=program.program,
        period=period,
        state=sealing.state,
        folder=str(out),
        statements=len(done),
        made=sum(one.is_new for one in done),
        languages=dict(Counter(one.language for one in done)),
        root=tree.root.hex(),
        tree_size=tree.size,
    )


def _proved(
    publication: Publication, sealing: Sealing, creators: Sequence[str]
) -> tuple[Tree, list[Creators]]:
    """The tree of all statements, and the creators that are asked for, in bunches."""
    everyone: list[tuple[str, str]] = []  # first and last of each bunch
    missing = set(creators)

    def leaves() -> Iterator[bytes]:
        found = statement_facts(publication, sealing.program, sealing.state)
        for number, facts in enumerate(found):
            creator_id = facts["creator_id"]
            missing.discard(creator_id)
            if number % BUNCH:
                everyone[-1] = (everyone[-1][0], creator_id)
            else:
                everyone.append((creator_id, creator_id))
            yield sealing.leaf(facts)

    tree = Tree(leaves())
    if missing:
        raise UnknownCreators(", ".join(repr(name) for name in creators if name in missing))
    if not creators:
        return tree, [Creators.between(first, last) for first, last in everyone]
    named = sorted(set(creators))
    return tree, [Creators.named(named[at : at + BUNCH]) for at in range(0, len(named), BUNCH)]


def _demand_root_of_close(
    home: Home, program: str, publication: Publication, sealing: Sealing, tree: Tree
) -> None:
    """Refused where a closed period's root is not that of its line: nobody could check the statements."""
    if sealing.state != "closed":
        return
    for entry, _ in CloseLog(home.path, program).entries():
        if entry.period == publication.period and (fault := tree_fault(tree, entry)) is not None:
            raise Refused(f"{fault}; no statement is written. See bonus verify")


def _each_made(bunches: Sequence[Creators], *given: Any) -> Iterator[list[_Made]]:
    """The statements of each bunch, in order; of many bunches in a process a core.

    `given` is what `_maker` takes. A process that dies leaves whole files only.
    """
    processes = min(os.cpu_count() or 1, MOST_PROCESSES)
    if len(bunches) < MANY or processes == 1:
        yield from map(_maker(*given).make, bunches)
        return
    with ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=_begin, initargs=given
    ) as pool:
        yield from pool.map(_make_in_process, bunches)


def _maker(
    publication: Publication,
    before: Publication | None,
    sealing: Sealing,
    tree: Tree,
    out: Path,
    language: Language | None,
    as_pdf: bool,
) -> _Maker:
    return _Maker(publication, before, publication.program(), sealing, tree, out, language, as_pdf)


_OF_PROCESS: list[_Maker] = []
"""What a process of the pool works with: it is handed over once, not with each bunch."""


def _begin(*given: Any) -> None:
    # At its end DuckDB's binding would list, on standard error, what it has not let go.
    atexit.register(os._exit, 0)
    Thread(target=_end_with_parent, daemon=True).start()
    _OF_PROCESS[:] = [_maker(*given)]


def _end_with_parent() -> None:
    """Ends this process where the command was killed: it would wait for work that never comes."""
    parent = parent_process()
    assert parent is not None, "the pool has started it"
    parent.join()
    os._exit(1)


def _make_in_process(creators: Creators) -> list[_Made]:
    return _OF_PROCESS[0].make(creators)


@dataclass(frozen=True, slots=True)
class _Made:
    """A statement that is there now."""

    creator_id: str
    language: Language
    is_new: bool


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes the files of some creators of a period."""

    publication: Publication
    before: Publication | None
    program: Program
    sealing: Sealing
    tree: Tree
    out: Path
    language: Language | None
    as_pdf: bool
    terms_pages: TermsPages = field(default_factory=dict)

    def make(self, creators: Creators) -> list[_Made]:
        """Writes the files of creators, in the order of creator_id."""
        found = statement_facts(
            self.publication, self.sealing.program, self.sealing.state, creators
        )
        facts_of = {facts["creator_id"]: facts for facts in found}
        closes_on = self.program.period(self.publication.period).closes_on
        reasons = reasons_of(self.publication, creators, datetime.combine(closes_on, time()))
        rows_of = read_creators(self.publication, self.before, creators)
        return [
            self._make_one(rows, facts_of[rows.creator_id], reasons[rows.creator_id])
            for rows in rows_of
        ]

    def _make_one(self, rows: CreatorRows, facts: Facts, reasons: Reasons) -> _Made:
        language = self.language or language_of(rows.ledger[0].cells["market"])
        leaf, salt = self.sealing.leaf(facts), self.sealing.salt(rows.creator_id)
        proof = proof_of(leaf, salt, self.tree)
        name = name_of(rows.creator_id)
        page, proved = self.out / f"{name}.html", self.out / f"{name}.json"
        kept = _kept(page)
        is_new = mark_in(kept) != self._mark(leaf.hex(), language, marked(kept, NO_MARK))
        printed = page.with_suffix(".pdf")
        if is_new:
            printed.unlink(missing_ok=True)  # it is of another page
            explanation = explain_rows(self.publication, self.program, self.sealing.state, rows)
            statement = statement_of(self.program, rows, explanation, reasons, proof, leaf.hex())
            made = render(statement, language, proved.name, self.terms_pages)
            replace_file(page, marked(made, self._mark(leaf.hex(), language, made)))
        if self.as_pdf and not printed.is_file():
            replace_file(printed, pdf_of(page.read_bytes()))
        content = canonical({"facts": facts, "proof": proof}) + b"\n"
        if _kept(proved) != content:
            replace_file(proved, content)
        return _Made(rows.creator_id, language, is_new)

    def _mark(self, leaf: str, language: Language, page: bytes) -> str:
        """A hash, by the home's key, of all that a page depends on and of its bytes: with another one it is made anew.

        `page` is without its mark. Who has not the key can change no page so that it stays.
        """
        versions = [
            [one.period, str(one.folder), one.run_file_sha256]
            for one in (self.publication, self.before)
            if one is not None
        ]
        state, root = self.sealing.state, self.tree.root.hex()
        content: list[Any] = ["page", versions, state, root, leaf, language, _code()]
        message = canonical(content) + page
        return hmac.digest(self.sealing.key, message, "sha256").hex()[:MARK_DIGITS]


def _kept(path: Path) -> bytes:
    """The content of an earlier call's file; nothing where there is a link, behind which others may write."""
    return path.read_bytes() if path.is_file() and not path.is_symlink() else b""


@cache
def _code() -> str:
    """A hash over the code, texts and layout that make a page."""
    digest = hashlib.sha256(version("babel").encode())
    rooms = Path(__file__).resolve().parents[1]
    for room in ("statements", "explain", "terms", "foundations", "reports"):
        for path in sorted((rooms / room).rglob("*")):
            if path.suffix in (".py", ".po", ".html", ".css"):
                digest.update(path.read_bytes())
    return digest.hexdigest()


def _index(made: Sequence[_Made]) -> bytes:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("creator_id", "name", "language"))
    writer.writerows((one.creator_id, name_of(one.creator_id), one.language) for one in made)
    return text.getvalue().encode()
