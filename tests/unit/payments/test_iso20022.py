"""The schemas are those that ISO 20022 publishes, and each is of the message that its name says."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from orchestration.payments import iso20022
from orchestration.payments.answers import KINDS
from orchestration.payments.iso20022 import PREFIX, message_names, schema_of

FOLDER = Path(iso20022.__file__).with_name("schemas")
# Of the files as the packages have them that docs/decisions.md names, line ends made LF.
PUBLISHED = {
    "camt.054.001.02": "8bb91f1d645277487b4262538c9064161e8feb48ceb8b0c680716fd07c32da01",
    "camt.054.001.04": "1bb115c106bd7ee4fac82520b477ee8ea40a8686a9111ff182e33a14ae0014d2",
    "camt.054.001.08": "2b392a1f7e70e70902fd0d803ff85989613bd1cae351663240b0bb9243be2c28",
    "pain.001.001.09": "05440a7e84f695e7dbc6677082f43623cd7393881b76a5e8d648ae21d7d728e3",
    "pain.002.001.03": "c0c2b98f51638147598678bbec3d5aedfa270a819c2fda8014ba3c34a5972195",
    "pain.002.001.10": "22a9dda9d006c21fd368f44e9fae812e7b5cde95b6774f31289c372242aac906",
}


def test_the_schemas_are_the_published_ones() -> None:
    assert {
        path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in FOLDER.iterdir()
    } == PUBLISHED


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_each_schema_is_of_its_message(name: str) -> None:
    assert f'targetNamespace="{PREFIX}{name}"' in (FOLDER / f"{name}.xsd").read_text("utf-8")
    schema_of(name)


def test_the_schemas_that_answers_are_held_against() -> None:
    assert message_names(KINDS) == sorted(name for name in PUBLISHED if "pain.001" not in name)
