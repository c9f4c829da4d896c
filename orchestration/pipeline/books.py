"""The books of a program (§7): its periods published, closed and restated, and what follows from them.

Read under the program's lock, from the published tables and the close log alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from orchestration.foundations.cursors import scratch_database
from orchestration.ledger.money import Account
from orchestration.ledger.restatement import adjustments
from orchestration.pipeline.close_log import CloseLog
from orchestration.pipeline.deciding import History
from orchestration.pipeline.home import Home
from orchestration.pipeline.refusals import Refused
from orchestration.publishing.integrity import file_faults
from orchestration.publishing.store import Publication
from orchestration.publishing.tables import CONTRACT_TABLES, DECISION_TABLES, RESTATEMENT
from orchestration.records import CloseEntry, Unreadable
from orchestration.terms.load import LoadedProgram, ProgramFileError
from orchestration.terms.model import Program, UnknownPeriodError

# What was posted for each origin period: "its earnings, and adjustments with that origin in closed
# periods"; of an adjustment's two entries the debit of the expense has its sign.
POSTED = """
    select creator_id, payout_currency, sum(earnings_minor) as posted_minor
    from read_parquet($ledger) where earnings_minor <> 0 group by all
    union all
    select creator_id, currency, sum(amount_minor)
    from read_parquet($journals, union_by_name = true)
    where kind = 'adjustment' and origin_period = $origin and account = 'expense:bonus'
    group by all
"""

OTHER_OPENINGS = """
    select count(*) from (
        select creator_id, payout_currency, opening_balance_minor as balance_minor
        from {now} where opening_balance_minor <> 0
    ) as opened
    full outer join (
        select creator_id, payout_currency, closing_balance_minor as balance_minor
        from {before} where closing_balance_minor <> 0
    ) as left_over using (creator_id, payout_currency)
    where opened.balance_minor is distinct from left_over.balance_minor
"""


@dataclass(frozen=True, slots=True)
class Books:
    """A program's periods as they stand now."""

    published: Mapping[str, Publication]
    restated: Mapping[str, Publication]
    closed: Mapping[str, CloseEntry]  # in the order of the log

    def history(self, period: str, order: Sequence[str]) -> History:
        """The base of a period's settlement: the periods published before it."""
        earlier = [key for key in order[: order.index(period)] if key in self.published]
        return History(order, [self.published[key] for key in earlier], set(self.closed))

    def open_from(self, period: str, order: Sequence[str]) -> list[Publication]:
        """The published periods from `period` on that are not closed, in order."""
        return [
            self.published[key]
            for key in order[order.index(period) :]
            if key in self.published and key not in self.closed
        ]

    def posted(self, origin: str) -> dict[Account, int]:
        """The amounts posted so far for a closed period, in minor units by creator and currency."""
        with scratch_database() as connection:
            rows = connection.execute(
                f"select creator_id, payout_currency, sum(posted_minor) from ({POSTED}) group by all",
                {
                    "ledger": self.published[origin].pattern("payout_ledger"),
                    "journals": [self.published[key].pattern("journal") for key in self.closed],
                    "origin": origin,
                },
            ).fetchall()
        return {(creator, currency): int(posted) for creator, currency, posted in rows}

    def other_openings(self, period: str, order: Sequence[str]) -> int:
        """The number of accounts that a published period opens with another balance than the one before left.

        §7: an opening balance is the closing balance of the latest earlier published period.
        """
        ledger = CONTRACT_TABLES["payout_ledger"]
        now = self.published[period].relation(ledger)
        earlier = self.history(period, order).published
        before = earlier[-1].relation(ledger) if earlier else f"(from {now} limit 0)"
        with scratch_database() as connection:
            (count,) = connection.execute(OTHER_OPENINGS.format(now=now, before=before)).fetchall()[
                0
            ]
        return int(count)

    def adjustments(self) -> dict[Account, dict[str, int]]:
        """The differences that restatements leave to post, by account and origin, in minor units of the currency."""
        return adjustments(
            {origin: _computed(publication) for origin, publication in self.restated.items()},
            {origin: self.posted(origin) for origin in self.restated},
        )


def open_books(home: Home, program: str, *, completes: bool = True) -> Books:
    """The books of a program; Refused if its close log and its sealed periods contradict each other.

    A close that died between its line and its seal is completed here, unless the books are only
    looked at.
    """
    store, log = home.store(program), CloseLog(home.path, program)
    published = store.published()
    try:
        entries = {entry.period: (entry, line) for entry, line in log.entries()}
    except Unreadable as error:
        raise _contradiction(program, f"{log.path} has a line that is none ({error})") from None
    for key, publication in published.items():
        if not publication.folder.is_dir():
            raise _contradiction(
                program, f"{key} is published, but {publication.folder} is missing"
            )
        if publication.seal is not None and key not in entries:
            raise _contradiction(program, f"{key} was closed, but {log.path} has no line of it")
    for key, (_, line) in entries.items():
        if key not in published:
            raise _contradiction(program, f"{log.path} closes {key}, which is not published")
        if completes and not published[key].has_seal_of(line):
            store.seal(published[key], line)
    return Books(published, store.restated(), {key: entry for key, (entry, _) in entries.items()})


def demand_periods_stay(home: Home, loaded: LoadedProgram, run: str | None = None) -> None:
    """§7 "Periods stay": Refused, with every reason, for a program file that takes back what is published.

    That is one "in which a published period is missing, a period stands before a closed one that
    was not there when that one was closed, or the currency is another one". On top of that, one in
    which published periods stand in another order: a balance would be carried on twice. So would one
    of the period that is to be `run` by the file, if it stood elsewhere once it is published: later
    periods would open with it in this file's order, and be closed in the other one.
    """
    program = loaded.program
    published = home.store(program.program).published()
    order = [period.key for period in program.periods]
    closed = {key for key, entry in published.items() if entry.state == "closed"}
    found = []
    missing = [key for key in published if key not in order]
    if missing:
        found.append(
            f"{', '.join(missing)} published, but not in the program file; put it back, since its "
            "balances are carried on, or withdraw it if it is not closed: bonus withdraw PERIOD"
        )
    # A period is closed after all before it, so one that is open was put there since.
    last = max((order.index(key) for key in closed if key in order), default=0)
    if put_before := [key for key in order[:last] if key not in closed]:
        found.append(
            f"{', '.join(put_before)} stands before {order[last]}, which is closed; a period can "
            "only be added after all closed ones"
        )
    stood = order_as_published(home, program, published.values())
    if [key for key in order if key in stood] != [key for key in stood if key in order]:
        found.append(
            f"the published periods stood in the order {', '.join(stood)}; balances are carried on in "
            "it, so it stays. To turn open periods round, withdraw them first: bonus withdraw PERIOD"
        )
    elif run is not None and not found:
        stands = order_as_published(home, program, published.values(), run)
        if [key for key in order if key in stands] != stands:
            found.append(
                f"once {run} is run by this file, the periods stand in the order {', '.join(stands)}, by "
                "the first day that each one's own run has read, and not in that of this file; first run "
                "those again that begin on another day now, or withdraw them: bonus withdraw PERIOD"
            )
    if (currency := _currency(published)) not in (None, program.currency):
        found.append(
            f"the currency is {program.currency}, but what is published is in {currency}; a program "
            "keeps its currency. For another one, begin a program with another name"
        )
    if found:
        raise Refused("\n".join(f"{loaded.path}: {reason}" for reason in found))


def order_as_published(
    home: Home, program: Program, published: Collection[Publication], run: str | None = None
) -> list[str]:
    """The published periods as balances are carried on through them, whatever the program file says.

    Closed ones as they were closed, then the open ones by their first day, as their own runs read
    it; by that of the program file where that cannot be read, and first of all where there is none.
    With `run`, as they will be once that period is published by the program file.
    """
    keys = list(dict.fromkeys([*(one.period for one in published), *([run] if run else [])]))
    closed = [key for key in _closed_by_line(home, program.program) if key in keys]
    starts = {period.key: period.starts_on for period in program.periods}
    for publication in published:
        if publication.period not in closed and publication.period != run:
            with suppress(OSError, ProgramFileError, UnknownPeriodError):
                period = publication.program().period(publication.period)
                starts[publication.period] = period.starts_on
    still_open = [key for key in keys if key not in closed]
    return closed + sorted(still_open, key=lambda key: (starts.get(key, date.min), key))


def _closed_by_line(home: Home, program: str) -> dict[str, None]:
    """The periods that the close log names, in its order; none where it cannot be read."""
    try:
        return {entry.period: None for entry, _ in CloseLog(home.path, program).entries()}
    except Unreadable:  # named where the books are opened
        return {}


def _currency(published: Mapping[str, Publication]) -> str | None:
    """The program currency of what is published: of one version, since all have the same.

    None if no version says it. What cannot be read is named where versions are compared.
    """
    for publication in published.values():
        try:
            if currency := publication.record().currency:
                return currency
            return publication.program().currency  # of 0.1.0, which did not write the currency down
        except (OSError, Unreadable, ProgramFileError):
            continue
    return None


# What later periods are carried on from: balances, postings, rates, what was computed anew, and rows
# of what people decided.
_CARRIED_ON = ("payout_ledger", "journal", RESTATEMENT.name, *DECISION_TABLES)


def demand_untouched(
    books: Books, program: str, whole: Sequence[str], replaced: str | None = None
) -> None:
    """Refused unless every version is as its run has left it, file by file.

    Of the periods of `whole` all files are compared, of the others those that are carried on from;
    of the period that is `replaced` none.
    """
    found: list[str] = []
    for key, publication in books.published.items():
        if key == replaced:
            continue
        entry = books.closed.get(key)
        found += file_faults(
            key,
            publication,
            closed_with=entry.files if entry else None,
            tables=None if key in whole else _CARRIED_ON,
        )
    for key, restatement in books.restated.items():
        found += file_faults(f"restatement of {key}", restatement, tables=_CARRIED_ON)
    if found:
        raise Refused(
            "\n".join(found)
            + f"\n{program}: nothing is changed. An open period is made anew by running it again; "
            "of a closed one bring the files back from a backup. See bonus verify"
        )


def _contradiction(program: str, what: str) -> Refused:
    return Refused(f"{program}: {what}. Nothing is changed; see bonus verify")


def _computed(restatement: Publication) -> dict[Account, int]:

    with scratch_database() as connection:
        rows = connection.execute(
            "select creator_id, payout_currency, computed_minor from read_parquet($1)",
            [restatement.pattern("restatement")],
        ).fetchall()
    return {(creator, currency): computed for creator, currency, computed in rows}
