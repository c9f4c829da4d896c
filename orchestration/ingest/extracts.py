"""Extracts: few snapshots that stand for all of many files (contract §3).

A file may be taken by its extract where all of it lies before every boundary of the period, or behind
every one. Such files are taken together, those of a month as one group, so that a post that is seen
each day has few rows of a month. The extract of a group has of each post

    * its first and its last snapshot, where the last one has the greatest of every count that any
      has, and the first one reports all that any reports, and each came once;
    * else all of its rows.

What §3 asks of a post are the last snapshot that reports a count up to a boundary, the first one of
all, the greatest, and whether a snapshot that decides came twice. No boundary lies within the group,
so of the snapshots that were left out none is any of these, as long as no other file has one of the same
post between the first and the last. Where another has (the post is contested), its rows are all taken.

Of a post that is surely none of the period, no row is taken (`_find_posts_that_count`).

Beside it the extract knows of each post how many snapshots there are, from when to when, and how many
were observed before the post was published (§8, ingest): by these the gate's figures stay what they are.

Belongs here: making, keeping and taking extracts. Does not: the counts themselves (the models).
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from orchestration.foundations.cursors import sql_text
from orchestration.foundations.file_patterns import exact_pattern
from orchestration.ingest.datasets import Dataset, Kind
from orchestration.ingest.discovery import FoundFile
from orchestration.ingest.file_cache import Entry, FileCache
from orchestration.ingest.opening import check_unchanged
from orchestration.ingest.outcomes import FileOutcome
from orchestration.ingest.parquet_loader import InPlace
from orchestration.ingest.quarantine import FileFault
from orchestration.ingest.verdicts import TextRows, write_parts

if TYPE_CHECKING:
    import duckdb

_LEAST_SAVED: Final = 2  # an extract of more rows than one in so many is not worth its work


@dataclass(frozen=True)
class Source:
    """A file of snapshots with good rows. Its rows lie in place, are kept, or else are copied already."""

    file: FoundFile
    outcome: FileOutcome
    content: str | None  # the hash; None where it is not sure
    first_at: datetime
    last_at: datetime
    rows: InPlace | TextRows | None


@dataclass(frozen=True)
class _Group:
    """Files that are taken together, in the order in which the extract knows them."""

    members: tuple[Source, ...]
    number: int

    @property
    def first_at(self) -> datetime:
        return min(member.first_at for member in self.members)

    @property
    def last_at(self) -> datetime:
        return max(member.last_at for member in self.members)

    @property
    def rows(self) -> int:
        return sum(member.outcome.rows_loaded for member in self.members)


class Extracts:
    """The extracts of one dataset, for a period whose boundaries lie from `first` to `last`.

    `rows_of` gives SQL of all rows of some sources.
    """

    def __init__(
        self,
        connection: "duckdb.DuckDBPyConnection",
        dataset: Dataset,
        cache: FileCache,
        boundaries: tuple[datetime, datetime],
        rows_of: Callable[[Sequence[Source]], str],
    ) -> None:
        self._connection = connection
        self._dataset = dataset
        self._cache = cache
        self._boundaries = boundaries
        self._rows_of = rows_of
        # The greatest is asked of what is reported, not of what has a default (ineligible_views).
        self._counts = [
            column.name
            for column in dataset.columns
            if column.kind is Kind.COUNT and column.default is None
        ]

    def take(self, sources: Sequence[Source]) -> list[Source]:
        """Fill the tables of extracts; gives the sources that are to be read as a whole.

        Rows of contested posts go to the rows table.
        """
        extracts = [
            (group, entry)
            for number, members in enumerate(self._grouped(sources))
            if (group := _Group(members, number)) and (entry := self._extract(group))
        ]
        for group, entry in extracts:
            self._load_posts(group, entry)
        taken: list[tuple[_Group, Entry]] = []
        contested = self._contested([group for group, _ in extracts], sources)
        for group, entry in extracts:
            if contested.get(group.number, 0) * _LEAST_SAVED > group.rows:
                self._forget(group)
            else:
                taken.append((group, entry))
        members = {id(member) for group, _ in taken for member in group.members}
        whole = [source for source in sources if id(source) not in members]
        if taken:
            self._find_posts_that_count(whole)
        for group, entry in taken:
            self._load_rows(group, entry, has_contested=group.number in contested)
        self._connection.execute(
            "delete from extracted_posts where (extract_no, post_id) in (from contested_posts)"
        )
        self._connection.execute("drop table contested_posts")
        self._connection.execute("drop table if exists posts_that_count")
        return whole

    def _grouped(self, sources: Sequence[Source]) -> list[tuple[Source, ...]]:
        first, last = self._boundaries
        groups: dict[tuple[bool, str], list[Source]] = defaultdict(list)
        for source in sources:
            is_before = source.last_at < first
            if source.content and (is_before or source.first_at > last):
                groups[is_before, _month(source.last_at)].append(source)
        return [
            tuple(sorted(members, key=lambda member: (str(member.content), member.file.path)))
            for members in groups.values()
            if self._cache.is_worth(sum(member.file.identity.size_bytes for member in members))
        ]

    def _extract(self, group: _Group) -> Entry | None:
        """The extract of a group, made if there is none; None where the whole is to be read."""
        import duckdb

        members = [(member.content, member.file.path) for member in group.members]
        key = self._cache.key("extract", *members)
        entry = self._cache.take(key)
        if entry is None:
            try:
                self._make(group, key)
            except duckdb.Error:
                if _are_unchanged(group):  # else the stage that reads them refuses them
                    raise
                return None
            entry = self._cache.take(key)
        return entry if entry and entry.parts else None

    def _make(self, group: _Group, key: str) -> None:
        run = self._connection.execute
        run(f"create or replace temp view group_rows as {self._rows_of(group.members)}")
        self._choose_rows()
        ((rows, kept),) = run(
            "select (select sum(snapshots) from spans), (select count(*) from kept)"
        ).fetchall()
        numbers = [member.outcome.file_no for member in group.members]
        columns = ", ".join(self._dataset.column_names)
        parts = {
            "rows": f"select {columns}, row_no, list_position({numbers}, file_no) as member from kept",
            "posts": "select post_id, snapshots, first_at, last_at, published_at, early,"
            " full_posts.post_id is not null as has_all_rows"
            " from spans left join early using (post_id) left join full_posts using (post_id)",
        }
        if kept * _LEAST_SAVED > rows:
            parts = {}
        if _are_unchanged(group):
            self._cache.put(
                key,
                {"rows": int(rows), "kept": kept},
                lambda folder: write_parts(self._connection, folder, parts),
            )
        run("drop view group_rows")
        for table in ("spans", "ends", "full_posts", "kept", "early"):
            run(f"drop table {table}")

    def _choose_rows(self) -> None:
        """Fill `kept` from `group_rows`, and beside it what is known of each post."""
        run = self._connection.execute
        greatest = ", ".join(f"max({count}) as greatest_{count}" for count in self._counts)
        says_all = " and ".join(
            f"max({count}) filter (observed_at = last_at) is not distinct from any_value(greatest_{count})"
            f" and (any_value(greatest_{count}) is null"
            f" or max({count}) filter (observed_at = first_at) is not null)"
            for count in self._counts
        )
        run(
            "create or replace temp table spans as select post_id, count(*) as snapshots,"
            f" min(observed_at) as first_at, max(observed_at) as last_at, {greatest}"
            " from group_rows group by post_id"
        )
        run(
            "create or replace temp table ends as select * from group_rows"
            " where (post_id, observed_at) in"
            " (select post_id, unnest([first_at, last_at]) from spans)"
        )
        run(
            "create or replace temp table full_posts as select post_id from ends join spans"
            " using (post_id) group by post_id, first_at, last_at"
            f" having not (count(*) = case when first_at = last_at then 1 else 2 end and {says_all})"
        )
        run(
            "create or replace temp table kept as"
            " select * from ends where post_id not in (from full_posts) union all"
            " select * from group_rows where post_id in (from full_posts)"
        )
        run(
            "create or replace temp table early as select post_id, any_value(published_at)"
            " as published_at, count(*) filter (observed_at < published_at) as early"
            " from group_rows join (select post_id, published_at from spans join known_posts"
            " using (post_id) where published_at > first_at and published_at <= last_at)"
            " using (post_id) group by post_id"
        )

    def _load_posts(self, group: _Group, entry: Entry) -> None:
        self._connection.execute(
            f"insert into extracted_posts by name select {group.number} as extract_no, *"
            f" from {_parquet(entry.parts['posts'])}"
        )

    def _load_rows(self, group: _Group, entry: Entry, *, has_contested: bool) -> None:
        run, rows_table = self._connection.execute, self._dataset.rows_table
        numbers = [member.outcome.file_no for member in group.members]
        own = f"(select post_id from contested_posts where extract_no = {group.number})"
        run(
            f"insert into {self._dataset.extracts_table} by name"
            f" select * exclude (member), ({numbers})[member] as file_no"
            f" from {_parquet(entry.parts['rows'])}"
            " where post_id in (from posts_that_count)"
            + (f" and post_id not in {own}" if has_contested else "")
        )
        copied = [member.outcome.file_no for member in group.members if member.rows is None]
        others = [member for member in group.members if member.rows is not None]
        if copied:
            run(
                f"delete from {rows_table} where file_no in (select unnest({copied}))"
                f" and post_id not in {own}"
            )
        if has_contested and others:
            run(
                f"insert into {rows_table} by name select * from ({self._rows_of(others)}) as seen"
                f" where post_id in {own}"
            )

    def _contested(self, groups: Sequence[_Group], sources: Sequence[Source]) -> dict[int, int]:
        """Fill contested_posts; gives by number of a group how many snapshots of it are of such posts."""
        run = self._connection.execute
        run("create temp table contested_posts (extract_no integer, post_id varchar)")
        # The gate counts what was observed before publication, as far as it lies within a post's snapshots.
        found = [
            "select extract_no, post_id from extracted_posts as seen join known_posts as known"
            " using (post_id) where known.published_at > first_at and known.published_at <= last_at"
            " and known.published_at is distinct from seen.published_at"
        ]
        if any(_overlap(one, two) for one in groups for two in groups if one.number < two.number):
            found.append(
                "select one.extract_no, one.post_id from extracted_posts as one"
                " join extracted_posts as two on one.post_id = two.post_id"
                " and one.extract_no <> two.extract_no"
                " and one.first_at <= two.last_at and two.first_at <= one.last_at"
            )
        members = {id(member) for group in groups for member in group.members}
        whole = [
            source
            for source in sources
            if id(source) not in members and any(_overlap(source, group) for group in groups)
        ]
        if whole:
            found.append(
                "select extract_no, seen.post_id from extracted_posts as seen"
                f" join ({self._rows_of(whole)}) as other on seen.post_id = other.post_id"
                " and other.observed_at >= first_at and other.observed_at <= last_at"
            )
        run(f"insert into contested_posts {' union '.join(found)}")
        return dict(
            run(
                "select extract_no, sum(snapshots) from contested_posts"
                " join extracted_posts using (extract_no, post_id) group by extract_no"
            ).fetchall()
        )

    def _find_posts_that_count(self, whole: Sequence[Source]) -> None:
        """Fill posts_that_count; `whole` are the sources that are read as a whole.

        §4 speaks of posts that were published in the period, by whichever of their rows, or have a snapshot
        in it, which no extract has. Nor may one be left out whose snapshots may be in conflict: those stand
        where all rows of a post are taken.
        """
        found = [
            "select post_id from raw_posts where published_at between ? and ?",
            "select post_id from extracted_posts where has_all_rows",
            "select post_id from contested_posts",
        ]
        if whole:
            found.append(f"select post_id from ({self._rows_of(whole)})")
        self._connection.execute(
            f"create temp table posts_that_count as {' union '.join(found)}", self._boundaries
        )

    def _forget(self, group: _Group) -> None:
        self._connection.execute(f"delete from extracted_posts where extract_no = {group.number}")


def _month(instant: datetime) -> str:
    return f"{instant:%Y-%m}"


def _overlap(one: "Source | _Group", two: "Source | _Group") -> bool:
    return one.first_at <= two.last_at and two.first_at <= one.last_at


def _are_unchanged(group: _Group) -> bool:
    try:
        for member in group.members:
            check_unchanged(member.file)
    except FileFault:
        return False
    return True


def _parquet(path: Path) -> str:
    return f"read_parquet({sql_text(exact_pattern(str(path)))}, hive_partitioning = false)"
