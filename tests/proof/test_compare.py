"""The comparison itself: what differs is found, in memory and in files."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.proof.compare import differences, file_differences
from tests.reference.export import COLUMNS, export

PARTY = {
    "creator_id": "a",
    "market": "US",
    "payout_currency": "USD",
    "tax_residence": None,
    "tax_form": None,
    "status": "incomplete",
}
SEGMENT = {
    "creator_id": "a",
    "segment_no": 1,
    "starts_at": None,
    "ends_at": None,
    "terms_version": 3,
    "audience_value": Fraction(1, 2),
}


def _tables(**rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    return {table: rows.get(table, []) for table in COLUMNS}


def test_rows_are_compared_by_value_and_in_their_order() -> None:
    other_segment = SEGMENT | {"segment_no": 10}
    reference = _tables(creator_segments=[SEGMENT | {"segment_no": 9}, other_segment])
    product = [
        row | {"audience_value": Decimal("0.500000")} for row in reference["creator_segments"]
    ]
    assert differences("p", _tables(creator_segments=product), reference) == []
    turned = _tables(creator_segments=product[::-1])
    assert differences("p", turned, reference) == [
        "p creator_segments: rows are not in the order of creator and key"
    ]
    other = _tables(creator_segments=[product[0], product[1] | {"terms_version": 2}])
    assert len(differences("p", other, reference)) == 1
    assert len(differences("p", _tables(creator_segments=product[:1]), reference)) == 1


def test_settlement_parties_may_hold_more_but_not_less() -> None:
    more = _tables(settlement_parties=[PARTY, PARTY | {"creator_id": "b"}])
    asked = _tables(settlement_parties=[PARTY])
    assert differences("p", more, asked) == []
    assert len(differences("p", asked, more)) == 1


def test_files_are_compared_byte_by_byte_but_for_what_may_be_more(tmp_path: Path) -> None:
    tables = _tables(settlement_parties=[PARTY], creator_segments=[SEGMENT])
    more = tables | {"settlement_parties": [PARTY, PARTY | {"creator_id": "b"}]}
    for name, shown in (("product", more), ("reference", tables)):
        export(shown, tmp_path / name)
    assert file_differences("p", tmp_path / "product", tmp_path / "reference") == []
    assert len(file_differences("p", tmp_path / "reference", tmp_path / "product")) == 1
    segments = tmp_path / "product" / "creator_segments.csv"
    segments.write_text(segments.read_text().replace("0.5", "0.50"))
    assert len(file_differences("p", tmp_path / "product", tmp_path / "reference")) == 4


def test_a_journal_stands_by_creator_in_its_file_and_by_key_in_an_export(tmp_path: Path) -> None:
    """§9 of the files, and "rows sorted by key" of an export."""
    entries = [
        dict.fromkeys(COLUMNS["journal"].split())
        | {"entry_id": entry, "txn_id": entry, "creator_id": creator, "amount_minor": 1}
        for entry, creator in (("e1", "b"), ("e2", "a"))
    ]
    by_key, by_creator = _tables(journal=entries), _tables(journal=entries[::-1])
    assert differences("p", by_creator, by_key) == []
    assert differences("p", by_key, by_key) == [
        "p journal: rows are not in the order of creator_id and entry_id"
    ]
    export(by_key, tmp_path / "by key")
    export(by_creator, tmp_path / "by creator")
    assert file_differences("p", tmp_path / "by key", tmp_path / "by key") == []
    lines = (tmp_path / "by key" / "journal.csv").read_text("utf-8").splitlines(keepends=True)
    turned = "".join([lines[0], *lines[:0:-1]])
    (tmp_path / "by creator" / "journal.csv").write_text(turned, encoding="utf-8")
    assert file_differences("p", tmp_path / "by creator", tmp_path / "by key") == [
        "p journal: rows are not in the order of entry_id"
    ]
