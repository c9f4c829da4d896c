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
    "camt.054.001.03": "63e08841c44ba97c4e387994b0177781ec9b75563faa2342bc41b5004008826d",
    "camt.054.001.04": "1bb115c106bd7ee4fac82520b477ee8ea40a8686a9111ff182e33a14ae0014d2",
    "camt.054.001.05": "6dfa234622b93a50cc31599b9196d05b3f69ea44659091278e2688723f61793e",
    "camt.054.001.06": "fa01fc8ce48c61a5ef65767d24b0a043ce2cc9c12ee2c96452c5d3826393c228",
    "camt.054.001.07": "a4915aee20e8b7229915c8f51cf65b334d868f18b9c962ab7d7ba4bb8dde2d78",
    "camt.054.001.08": "2b392a1f7e70e70902fd0d803ff85989613bd1cae351663240b0bb9243be2c28",
    "camt.054.001.09": "56567ad90b7853d800057d345eacee3e82a31b1627c3fb00611be07f1b81f632",
    "camt.054.001.10": "eae433db5f0e1bdd75be2d2d20cce0c3256199831014b411b651338ff0bda6ab",
    "camt.054.001.11": "71513a01ec16e5bbb671e720b0219d327211556f6f4e5823244bd76563765f6e",
    "camt.054.001.12": "0dbda8404ba8141ce22ac89570c6ed6ba199e7401ef72b52e6df2a889c58d174",
    "camt.054.001.13": "e7ec8a34b1b4012c67e700ce5f42289c845a4628749d2fe4b4678aa909039d8b",
    "camt.054.001.14": "ac8fbc4f0b411f21caafb153a3307624533a0dc3bd516bdda375aabb9ebb81d8",
    "pain.001.001.09": "05440a7e84f695e7dbc6677082f43623cd7393881b76a5e8d648ae21d7d728e3",
    "pain.002.001.03": "c0c2b98f51638147598678bbec3d5aedfa270a819c2fda8014ba3c34a5972195",
    "pain.002.001.10": "22a9dda9d006c21fd368f44e9fae812e7b5cde95b6774f31289c372242aac906",
    "pain.002.001.12": "13762890a02c44b05ea2fa4285b7c2e159a3bf4d518c8c11116cb4a2faa9f899",
    "pain.002.001.14": "1fb79118c5fa2dbf9f20aa8ca0877aafe96067e6e620689342a847d9de7b1de7",
    "pain.002.001.15": "f8584d291515d53af48084dfc57be55cf428df6ad78c941697a937c25c38d7e3",
}


def test_the_schemas_are_the_published_ones() -> None:
    assert {
        path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in FOLDER.iterdir()
    } == PUBLISHED


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_each_schema_is_of_its_message(name: str) -> None:
    assert f'targetNamespace="{PREFIX}{name}"' in (FOLDER / f"{name}.xsd").read_text("utf-8")
    schema_of(name)


def test_the_answers_that_are_read() -> None:
    assert message_names(KINDS) == sorted(name for name in PUBLISHED if "pain.001" not in name)
