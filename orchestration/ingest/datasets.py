"""The datasets of the landing directory, as data: contract §2, table and bullet points.

Belongs here: which columns a dataset has, of which kind, which may be missing and what then stands
in their place. Does not: how a value of a kind is written (`cells.py`) or a table made of them
(`raw_tables.py`).
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from orchestration.terms.counts import COUNTS


class Kind(Enum):
    """The kind of a column's values, which decides how they are read."""

    IDENTIFIER = "identifier"
    CHOICE = "choice"  # one of the column's own words
    CURRENCY = "currency"
    TIMESTAMP = "timestamp"
    DAY = "day"
    FLAG = "flag"
    COUNT = "count"
    RATE = "rate"
    CAP = "cap"
    AMOUNT = "amount"  # of the currency in the row's column `currency`
    REASON = "reason"
    PERSON = "person"


NUMBERS: Final = frozenset({Kind.COUNT, Kind.RATE, Kind.CAP, Kind.AMOUNT})

SQL_TYPES: Final = {
    Kind.IDENTIFIER: "VARCHAR",
    Kind.CHOICE: "VARCHAR",
    Kind.CURRENCY: "VARCHAR",
    Kind.TIMESTAMP: "TIMESTAMP",
    Kind.DAY: "DATE",
    Kind.FLAG: "BOOLEAN",
    Kind.COUNT: "BIGINT",
    Kind.RATE: "DECIMAL(38,10)",
    Kind.CAP: "DECIMAL(38,24)",  # 10^12, and the decimals of whatever another program has
    Kind.AMOUNT: "DECIMAL(38,4)",
    Kind.REASON: "VARCHAR",
    Kind.PERSON: "VARCHAR",
}


# Columns by which a connector says that the source has deleted a row (§2).
DELETION_FLAGS: Final = ("_fivetran_deleted", "__deleted")  # it is, where this is true
DELETION_INSTANT: Final = "_ab_cdc_deleted_at"  # it is, where this is not null
# Unknown columns, by which a row may say the same: the gate asks whoever delivers (§8).
UNKNOWN_DELETION_FLAGS: Final = ("is_deleted", "_deleted")
READ_BESIDE: Final = (*DELETION_FLAGS, DELETION_INSTANT, *UNKNOWN_DELETION_FLAGS)


@dataclass(frozen=True)
class Column:
    """One column of a dataset."""

    name: str
    kind: Kind
    is_optional: bool = False
    choices: tuple[str, ...] = ()
    default: str | int | None = None  # what a missing or null value counts as
    default_column: str | None = None  # the column whose value it takes instead
    at_most_column: str | None = None  # the column its value may not exceed


@dataclass(frozen=True)
class Dataset:
    """One folder of the landing directory."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    is_read_in_place: bool = False  # Parquet files stay where they are, and are not copied

    @property
    def table(self) -> str:
        """The raw table, or view, of its good rows."""
        return f"raw_{self.name}"

    @property
    def rows_table(self) -> str:
        """The table its good rows are copied to: of one that is read in place, those of text files."""
        return f"copied_{self.name}" if self.is_read_in_place else self.table

    @property
    def extracts_table(self) -> str:
        """The table of the rows that stand for files of one that is read in place (`extracts.py`)."""
        return f"extracted_{self.name}"

    @property
    def deletions_table(self) -> str:
        """The table of keys, and versions, of rows that their source has deleted."""
        return f"deleted_{self.name}"

    @property
    def version(self) -> str | None:
        """The column by which one of two rows with one key is the later one, if there is any."""
        versions = (name for name in ("updated_at", "delivered_at") if name in self.column_names)
        return next(versions, None)

    @property
    def read_of_deleted(self) -> tuple[Column, ...]:
        """The columns that are read of a row that its source has deleted (§2): its key and its version."""
        names = (*self.key, self.version)
        return tuple(column for column in self.columns if column.name in names)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the known columns, in the contract's order."""
        return tuple(column.name for column in self.columns)

    @property
    def read_names(self) -> tuple[str, ...]:
        """Names of all columns that are read, those that tell of deletions too."""
        return (*self.column_names, *READ_BESIDE)

    @property
    def required_names(self) -> tuple[str, ...]:
        """Names of the columns without which a file cannot be read."""
        return tuple(column.name for column in self.columns if not column.is_optional)


def _identifier(name: str) -> Column:
    return Column(name, Kind.IDENTIFIER)


def _choice(name: str, *choices: str) -> Column:
    return Column(name, Kind.CHOICE, choices=choices)


def _timestamp(name: str, *, is_optional: bool = False) -> Column:
    return Column(name, Kind.TIMESTAMP, is_optional)


def _flag(name: str) -> Column:
    return Column(name, Kind.FLAG)


def _count(name: str, *, is_optional: bool = False) -> Column:
    return Column(name, Kind.COUNT, is_optional)


DATASETS: Final = (
    Dataset(
        "creators",
        (
            _identifier("creator_id"),
            _choice("account_type", "creator", "business", "personal"),
            _identifier("market"),
            Column("birth_date", Kind.DAY, is_optional=True),
            _timestamp("updated_at"),
        ),
        key=("creator_id",),
    ),
    Dataset(
        "payees",
        (
            _identifier("creator_id"),
            Column("payout_currency", Kind.CURRENCY),
            _identifier("tax_residence"),
            Column("tax_form", Kind.IDENTIFIER, is_optional=True, default="none"),
            _choice("status", "ready", "incomplete", "blocked"),
            _timestamp("updated_at"),
        ),
        key=("creator_id",),
    ),
    Dataset(
        "deals",
        (
            _identifier("deal_id"),
            _identifier("program"),
            _identifier("creator_id"),
            _timestamp("invited_at"),
            _timestamp("activated_at", is_optional=True),
            _timestamp("ends_at"),
            Column("cap", Kind.CAP, is_optional=True),
            _timestamp("updated_at"),
        ),
        key=("deal_id",),
    ),
    Dataset(
        "posts",
        (
            _identifier("post_id"),
            _identifier("creator_id"),
            _identifier("content_type"),
            _timestamp("published_at"),
            _flag("is_branded_content"),
            _flag("is_collab"),
            _flag("has_watermark"),
            _flag("is_original"),
            _timestamp("removed_at", is_optional=True),
            _timestamp("updated_at"),
        ),
        key=("post_id",),
    ),
    Dataset(
        "post_metrics",
        (
            _identifier("post_id"),
            _timestamp("observed_at"),
            _count("views"),
            Column(
                "ineligible_views", Kind.COUNT, is_optional=True, default=0, at_most_column="views"
            ),
            *(_count(count, is_optional=True) for count in COUNTS if count != "views"),
            Column("delivered_at", Kind.TIMESTAMP, is_optional=True, default_column="observed_at"),
        ),
        key=("post_id", "observed_at"),
        is_read_in_place=True,
    ),
    Dataset(
        "audience",
        (
            _identifier("creator_id"),
            Column("observed_on", Kind.DAY),
            _identifier("country"),
            _count("accounts"),
            Column("delivered_at", Kind.TIMESTAMP, is_optional=True, default_column="observed_on"),
        ),
        key=("creator_id", "observed_on", "country"),
    ),
    Dataset(
        "policy_events",
        (
            _identifier("event_id"),
            _choice("subject_type", "creator", "post"),
            _identifier("subject_id"),
            _identifier("policy"),
            _choice("status", "violated", "cleared"),
            _timestamp("effective_at"),
        ),
        key=("event_id",),
    ),
    Dataset(
        "fx_rates",
        (
            Column("rate_date", Kind.DAY),
            Column("base_currency", Kind.CURRENCY),
            Column("quote_currency", Kind.CURRENCY),
            Column("rate", Kind.RATE),
        ),
        key=("rate_date", "base_currency", "quote_currency"),
    ),
    Dataset(
        "adjustments",
        (
            _identifier("program"),
            _identifier("adjustment_id"),
            _identifier("creator_id"),
            _identifier("period"),
            Column("currency", Kind.CURRENCY),
            Column("amount", Kind.AMOUNT),
            Column("reason", Kind.REASON),
            Column("requested_by", Kind.PERSON),
            Column("approved_by", Kind.PERSON, is_optional=True),
            _timestamp("updated_at"),
        ),
        key=("program", "adjustment_id"),
    ),
    Dataset(
        "payment_returns",
        (
            _identifier("program"),
            _identifier("return_id"),
            _identifier("creator_id"),
            _identifier("period"),
            Column("currency", Kind.CURRENCY),
            _choice("status", "returned", "withdrawn"),
            Column("reason", Kind.REASON, is_optional=True),
            _timestamp("updated_at"),
        ),
        key=("program", "return_id"),
    ),
)

DATASET_NAMES: Final = tuple(dataset.name for dataset in DATASETS)
BY_NAME: Final = {dataset.name: dataset for dataset in DATASETS}
