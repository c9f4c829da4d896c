"""Accounts and debtor (§14): what can be paid is read as it stands, what cannot is named, all of it at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.payments.accounts import Party, read_accounts, read_debtor

HEADER = "creator_id,name,town,country,iban,bic,account\n"
ANA = Party("Ana Ruiz", "Madrid", "ES", iban="ES9121000418450200051332")
GOOD = {"name": "Ana", "town": "Madrid", "country": "ES", "iban": "ES9121000418450200051332"}


def read(tmp_path: Path, content: str | bytes, *paid: str) -> tuple[dict[str, Party], list[str]]:
    """The parties, and the faults without the folder's name."""
    path = tmp_path / "accounts.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    parties, faults = read_accounts(path, paid)
    return parties, [fault.replace(f"{tmp_path}/", "") for fault in faults]


def faults_of(tmp_path: Path, **cells: str) -> list[str]:
    """What is said of one row, which is good but for `cells`; columns and texts."""
    import csv
    import io

    row = {"creator_id": "a", "bic": "", "account": "", **GOOD, **cells}
    file = io.StringIO()
    writer = csv.DictWriter(file, HEADER.strip().split(","))
    writer.writeheader()
    writer.writerow(row)
    _, faults = read(tmp_path, file.getvalue(), "a")
    return [fault.partition("'a': ")[2] for fault in faults]


def test_rows_are_taken_as_they_stand(tmp_path: Path) -> None:
    text = (
        "\ufeffname,creator_id,country,town,iban,bic,account\r\n"
        "\r\n"
        " Ana Ruiz ,a,ES,Madrid,es91 2100 0418 4502 0005 1332,,\r\n"
        '"O""Neil, 山田",=b,JP,東京,,BOTKJPJT,0012345\r\n'
        "nobody,not paid,,,wrong,,\r\n"
    )
    parties, faults = read(tmp_path, text, "a", "=b")
    assert faults == []
    assert parties == {
        "a": ANA,
        "=b": Party('O"Neil, 山田', "東京", "JP", bic="BOTKJPJT", account="0012345"),
    }
    assert [party.is_plain_latin for party in parties.values()] == [True, False]


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    text = HEADER + (
        "a,Ana,Madrid,ES,ES9121000418450200051333,,\n"
        "b,,Paris,FR,,BNPAFRP,1\n"
        "a,Ana,Madrid,ES,ES9121000418450200051332,,\n"
        "c,Cem,Bonn\n"
    )
    parties, faults = read(tmp_path, text, "a", "b", "d\x1b")
    assert parties == {}
    assert faults == [
        "accounts.csv:5: 3 cells, and the header has 7",
        "accounts.csv:2: 'a': iban has check digits that do not fit: a digit or letter of it is wrong",
        "accounts.csv:3: 'b': name is empty",
        "accounts.csv:3: 'b': bic is 'BNPAFRP'; expected 8 or 11 capital letters and digits, the country at 5 and 6",
        "accounts.csv:4: 'a' has a row in line 2 already; one a creator",
        "accounts.csv: 'd\\u001b' is to be paid and has no row",
    ]


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"name": "x" * 140}, None),
        ({"name": "x" * 141}, "name has 141"),
        ({"name": "\u00a0\u3000"}, "name is empty"),
        ({"name": "a\u202eb"}, "name has the character U+202E"),
        ({"name": "a\tb"}, "name has the character U+0009"),
        ({"name": "a\x00b"}, "name has the character U+0000"),
        ({"name": "a\ufffeb"}, "name has the character U+FFFE"),
        ({"name": "a\u2028b"}, "name has the character U+2028"),
        ({"name": "ن\u200cه"}, None),
        ({"name": "]]><x>&amp;</x><!--"}, None),
        ({"town": "x" * 35}, None),
        ({"town": "x" * 36}, "town has 36"),
        ({"town": ""}, "town is empty"),
        ({"country": "XK"}, None),
        ({"country": "UK"}, "country is 'UK'"),
        ({"country": "de"}, "country is 'de'"),
        ({"country": "DEU"}, "country is 'DEU'"),
        ({"country": ""}, "country is empty"),
        ({"iban": "ES91"}, "iban cannot be one"),
        ({"iban": "US12345678901234"}, "iban cannot be one (invalid country code)"),
        ({"iban": "ES912100041845020005133"}, "iban cannot be one (invalid length)"),
        ({"iban": "ES1921000418450200051332"}, "iban has check digits"),
        ({"iban": "ES91\u20032100 0418 4502 0005 1332"}, "iban has other characters"),
        ({"iban": "ＥＳ9121000418450200051332"}, "iban has other characters"),
        ({"iban": ""}, "iban is empty; expected it, or a bic with an account"),
        ({"iban": "", "account": "1"}, "iban is empty, with only account"),
        ({"iban": "", "bic": "BOTKJPJT"}, "iban is empty, with only bic"),
        ({"account": "1"}, "account stands beside an iban"),
        ({"bic": "CAIXESBB"}, None),
        ({"bic": "CAIXESBBXXX"}, None),
        ({"bic": "1234XKB2"}, None),
        ({"bic": "CAIXESBBXX"}, "bic is 'CAIXESBBXX'"),
        ({"bic": "caixesbb"}, "bic is 'caixesbb'"),
        ({"bic": "CAIXXXBB"}, "bic is 'CAIXXXBB'"),
        ({"iban": "", "bic": "BOTKJPJT", "account": "1" * 34}, None),
        ({"iban": "", "bic": "BOTKJPJT", "account": "1" * 35}, "account has 35"),
        ({"iban": "", "bic": "BOTKJPJT", "account": "１"}, "account has other characters"),
    ],
    ids=lambda value: str(value).encode("unicode_escape").decode()[:40],
)  # fmt: skip
def test_each_cell_on_both_sides_of_its_edge(
    cells: dict[str, str], column: str | None, tmp_path: Path
) -> None:
    faults = faults_of(tmp_path, **cells)
    if column is None:
        assert faults == []
    else:
        assert len(faults) == 1 and faults[0].startswith(column)


def test_account_numbers_are_not_repeated(tmp_path: Path) -> None:
    numbers = ("ES9121000418450200051333", "ES91210004184502", "QQ9121000418450200051332")
    for iban in numbers:
        assert all(iban[4:] not in fault for fault in faults_of(tmp_path, iban=iban))


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "accounts.csv: no header"),
        (HEADER.encode() + b"a,J\xe9r\xf4me,Paris,FR,,,\n", "accounts.csv:2: the byte 0xe9 is not UTF-8"),
        (HEADER.encode("utf-16"), "accounts.csv:1: the byte 0xff is not UTF-8"),
        (HEADER.replace(",", ";").encode(), "accounts.csv:1: cells are separated by ';'"),
        (HEADER.replace("iban", "IBAN").encode(), "accounts.csv:1: unknown column 'IBAN'; there are creator_id, name, town, country, iban, bic, account; perhaps iban"),
        (HEADER.replace("bic", "iban").encode(), "accounts.csv:1: the column iban stands there 2 times"),
        (HEADER.replace("town,", "").encode(), "accounts.csv:1: no column town"),
        (b"creator_id,name,town,country,bic\n", "accounts.csv:1: no column iban (or bic and account)"),
        (HEADER.encode() + b'a,"Ana,Madrid\n', "accounts.csv:2: no CSV"),
    ],
    ids=["empty", "latin1", "utf16", "semicolons", "case", "twice", "missing", "no account", "quote"],
)  # fmt: skip
def test_a_file_that_is_none_is_named(content: bytes, fault: str, tmp_path: Path) -> None:
    parties, faults = read(tmp_path, content, "a")
    assert parties == {}
    assert len(faults) == 1 and faults[0].startswith(fault)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    for name, said in (("absent", "cannot be read: No such file"), ("pipe", "no regular file")):
        assert said in read_accounts(tmp_path / name, ["a"])[1][0]
        assert said in read_debtor(tmp_path / name)[1][0]


def debtor(tmp_path: Path, text: str) -> tuple[Party | None, list[str]]:
    path = tmp_path / "debtor.yaml"
    path.write_text(text, "utf-8")
    party, faults = read_debtor(path)
    return party, [fault.replace(f"{tmp_path}/", "") for fault in faults]


def test_the_debtor_is_read_as_yaml_1_2(tmp_path: Path) -> None:
    text = "name: Fjord AS\ntown: Oslo\ncountry: NO\nbic: DNBANOKK\naccount: 00860111\niban: null\n"
    assert debtor(tmp_path, text) == (
        Party("Fjord AS", "Oslo", "NO", bic="DNBANOKK", account="00860111"),
        [],
    )


def test_all_faults_of_the_debtor_are_named(tmp_path: Path) -> None:
    text = "name: Fjord\nkountry: NO\niban: [x]\n"
    assert debtor(tmp_path, text) == (
        None,
        [
            "debtor.yaml:2: kountry: found an unknown key, expected one of name, town, country, iban, bic, account; perhaps country",
            "debtor.yaml:3: iban: found more than a text, expected a text",
        ],
    )
    text = "name: Fjord\ncountry: Norway\niban: NO9386011117948\n"
    assert debtor(tmp_path, text) == (
        None,
        [
            "debtor.yaml:1: town is empty",
            "debtor.yaml:2: country is 'Norway'; expected a code of ISO 3166 in two letters, as DE",
            "debtor.yaml:3: iban has check digits that do not fit: a digit or letter of it is wrong",
        ],
    )


@pytest.mark.parametrize("text", ["", "- a\n", "x", "name: &a b\n", "a: 1\na: 2\n"], ids=repr)
def test_a_debtor_that_is_none(text: str, tmp_path: Path) -> None:
    party, faults = debtor(tmp_path, text)
    assert party is None and faults
