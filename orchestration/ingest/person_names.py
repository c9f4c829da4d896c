"""Names of people in SQL: what the readers ask of requested_by and approved_by (contract §2).

Belongs here: how SQL reaches the one rule that compares names. Does not: the rule (`terms/people.py`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from orchestration.terms.people import compared

if TYPE_CHECKING:
    import duckdb

COMPARED_NAME: Final = "compared_name"
"""An SQL function of one text: the form in which names are compared; null for one that is refused."""

PEOPLE: Final = f"""
    create or replace table people as
    select name, {COMPARED_NAME}(name) as compared_as
    from (
        select requested_by as name from raw_adjustments
        union select approved_by from raw_adjustments
    )
    where name is not null
"""


def register_names(connection: "duckdb.DuckDBPyConnection") -> None:
    """Lets SQL on the connection call COMPARED_NAME, until it is closed."""
    from duckdb.func import SPECIAL  # by default a function may not give null

    connection.create_function(
        COMPARED_NAME,
        lambda name: None if name is None else compared(name),
        ["VARCHAR"],
        "VARCHAR",
        null_handling=SPECIAL,
    )


@contextmanager
def comparing_names(connection: "duckdb.DuckDBPyConnection") -> Iterator[None]:
    """Lets SQL on the connection call COMPARED_NAME within the block."""
    register_names(connection)
    try:
        yield
    finally:
        connection.remove_function(COMPARED_NAME)


def write_people(connection: "duckdb.DuckDBPyConnection") -> None:
    """Makes `people`: each name in raw_adjustments once, with the form in which it is compared.

    The models that compare names join it. Call it within `comparing_names`.
    """
    connection.execute(PEOPLE)
