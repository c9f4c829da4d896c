"""Reading the bank's answers (§14): what they say, and files that are none or would do harm."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.payments import answers
from orchestration.payments.answers import Answer, NoAnswer, read_answers
from orchestration.payments.payouts import Due, Payout
from orchestration.payments.returns import COLUMNS, judged, return_rows, write_returns
from orchestration.pipeline.refusals import Refused

AT = datetime(2024, 2, 21, 9, 30, tzinfo=UTC)
HEAD = "<GrpHdr><MsgId>B1</MsgId><CreDtTm>2024-02-21T10:30:00+01:00</CreDtTm></GrpHdr>"
GROUP = (
    "<OrgnlGrpInfAndSts><OrgnlMsgId>M1</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>{}"
    "</OrgnlGrpInfAndSts>"
)


def read(tmp_path: Path, content: str | bytes) -> list[Answer]:
    path = tmp_path / "answer.xml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    found, fault = read_answers(path)
    assert fault is None
    return found


def report(*parts: str, version: str = "10") -> str:
    namespace = f"urn:iso:std:iso:20022:tech:xsd:pain.002.001.{version}"
    body = HEAD + "".join(parts)
    return f'<Document xmlns="{namespace}"><CstmrPmtStsRpt>{body}</CstmrPmtStsRpt></Document>'


def transaction(status: str, more: str = "") -> str:
    return (
        "<OrgnlPmtInfAndSts><OrgnlPmtInfId>P1</OrgnlPmtInfId><TxInfAndSts>"
        f"<OrgnlEndToEndId>T1</OrgnlEndToEndId><TxSts>{status}</TxSts>{more}</TxInfAndSts></OrgnlPmtInfAndSts>"
    )


@pytest.mark.parametrize("version", ["03", "10"])
def test_a_status_is_read_in_each_version(version: str, tmp_path: Path) -> None:
    why = "<StsRsnInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>Closed\n account</AddtlInf></StsRsnInf>"
    text = report(GROUP.format(""), transaction("RJCT", why), version=version)
    assert read(tmp_path, text) == [
        Answer("B1", AT, "transaction", "T1", "returned", "AC04 Closed  account")
    ]
    prefixed = text.replace("<", "<p:").replace("<p:/", "</p:").replace("xmlns=", "xmlns:p=")
    assert read(tmp_path, prefixed) == read(tmp_path, text)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("ACSC", "paid"), ("ACCC", "paid"), ("RJCT", "returned"), ("CANC", "returned")]
    + [(one, "open") for one in ("ACSP", "ACCP", "ACTC", "ACWC", "ACWP", "BLCK", "PDNG", "RCVD", "PART")],
)  # fmt: skip
def test_only_the_end_of_a_payment_counts(status: str, outcome: str, tmp_path: Path) -> None:
    (answer,) = read(tmp_path, report(GROUP.format(""), transaction(status)))
    assert answer.outcome == outcome


@pytest.mark.parametrize("code", ["AM05", "DUPL", "DU01", "DU05"])
def test_a_file_that_was_sent_twice_brings_nothing_back(code: str, tmp_path: Path) -> None:
    """A bank that refuses a double has the first one: to pay again would be to pay twice."""
    why = f"<StsRsnInf><Rsn><Cd>{code}</Cd></Rsn></StsRsnInf>"
    for text in (
        report(GROUP.format(""), transaction("RJCT", why)),
        report(GROUP.format(f"<GrpSts>RJCT</GrpSts>{why}")),
    ):
        (answer,) = read(tmp_path, text)
        assert (answer.outcome, answer.reason) == ("open", code)


def test_whole_messages_and_payments(tmp_path: Path) -> None:
    payment = "<OrgnlPmtInfAndSts><OrgnlPmtInfId>P1</OrgnlPmtInfId><PmtInfSts>RJCT</PmtInfSts></OrgnlPmtInfAndSts>"
    found = read(tmp_path, report(GROUP.format("<GrpSts>PART</GrpSts>"), payment))
    assert [(one.scope, one.its_id, one.outcome) for one in found] == [
        ("message", "M1", "open"), ("payment", "P1", "returned"),
    ]  # fmt: skip


def test_a_payment_without_a_status_is_open_and_its_amount_is_read(tmp_path: Path) -> None:
    original = '<OrgnlTxRef><Amt><InstdAmt Ccy="USD">7.00</InstdAmt></Amt></OrgnlTxRef>'
    text = report(GROUP.format(""), transaction("ACSP", original))
    (answer,) = read(tmp_path, text.replace("<TxSts>ACSP</TxSts>", ""))
    assert (answer.outcome, answer.amount) == ("open", ("USD", Decimal("7.00")))


def test_an_id_is_whole_where_a_comment_stands_in_it(tmp_path: Path) -> None:
    text = report(GROUP.format(""), transaction("RJCT"))
    for within in ("T<!-- -->1", "<?x y?>T1", "<![CDATA[T]]>1"):
        assert read(tmp_path, text.replace(">T1<", f">{within}<")) == read(tmp_path, text)


def notification(entry: str, version: str = "08") -> str:
    namespace = f"urn:iso:std:iso:20022:tech:xsd:camt.054.001.{version}"
    whose = "<CreDtTm>2024-02-21T10:30:00</CreDtTm><Acct><Id><Othr><Id>1</Id></Othr></Id></Acct>"
    body = f"{HEAD}<Ntfctn><Id>1</Id>{whose}{entry}</Ntfctn>"
    return f'<Document xmlns="{namespace}"><BkToCstmrDbtCdtNtfctn>{body}</BkToCstmrDbtCdtNtfctn></Document>'


def entry(direction: str, status: str, details: str) -> str:
    return (
        f'<Ntry><Amt Ccy="USD">7.00</Amt><CdtDbtInd>{direction}</CdtDbtInd>{status}'
        f"<BkTxCd><Prtry><Cd>NTRF</Cd></Prtry></BkTxCd><NtryDtls>{details}</NtryDtls></Ntry>"
    )


def test_bookings(tmp_path: Path) -> None:
    one = "<TxDtls><Refs><EndToEndId>T1</EndToEndId></Refs></TxDtls>"
    back = (
        "<TxDtls><Refs><EndToEndId>T2</EndToEndId></Refs><Amt Ccy='USD'>3.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>"
        "<RtrInf><Rsn><Cd>AC01</Cd></Rsn><AddtlInf>no such</AddtlInf></RtrInf></TxDtls>"
    )
    booked = "<Sts><Cd>BOOK</Cd></Sts>"
    text = notification(
        entry("DBIT", booked, one)
        + entry("DBIT", booked, one + back)
        + entry("DBIT", booked, one + "</NtryDtls><NtryDtls>" + one.replace("T1", "T3"))
        + entry("CRDT", booked.replace("BOOK", "PDNG"), one)
        + entry("CRDT", booked.replace("BOOK", "INFO"), one)
        + entry("CRDT", "<Sts><Prtry>our own</Prtry></Sts>", one)
        + entry("DBIT", booked, "<Btch><PmtInfId>P1</PmtInfId></Btch>")
        + entry("DBIT", booked, "")
    )
    seven, three = ("USD", Decimal("7.00")), ("USD", Decimal("3.00"))
    assert read(tmp_path, text) == [
        Answer("B1", AT, "transaction", "T1", "paid", "", seven, is_booking=True),
        Answer("B1", AT, "transaction", "T1", "paid", "", None, is_booking=True),
        Answer("B1", AT, "transaction", "T2", "returned", "AC01 no such", three, is_booking=True),
        Answer("B1", AT, "transaction", "T1", "paid", "", None, is_booking=True),
        Answer("B1", AT, "transaction", "T3", "paid", "", None, is_booking=True),
        Answer("B1", AT, "payment", "P1", "paid", "", seven, is_booking=True),
    ]


def test_bookings_of_the_first_versions(tmp_path: Path) -> None:
    """There the status is the element's own text."""
    one = "<TxDtls><Refs><EndToEndId>T1</EndToEndId></Refs></TxDtls>"
    booked = entry("CRDT", "<Sts>BOOK</Sts>", one)
    text = notification(booked + booked.replace("BOOK", "PDNG"), version="02")
    seven = ("USD", Decimal("7.00"))
    (answer,) = read(tmp_path, text)
    assert answer == Answer("B1", AT, "transaction", "T1", "returned", "", seven, is_booking=True)


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE Document [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + "]><Document><x>&j;</x></Document>"
)
OUTSIDE = '<!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/passwd">]><Document>&x;</Document>'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (BOMB.encode(), "document type"),
        (BOMB.replace("?>", ' encoding="UTF-16"?>', 1).encode("utf-16"), "document type|no XML"),
        (OUTSIDE.encode(), "document type"),
        (OUTSIDE.encode("utf-16"), "document type"),
        (b"<!DOCTYPE Document SYSTEM 'http://127.0.0.1:1/x.dtd'><Document/>", "document type"),
        (b"<a>" * 100_000, "no XML"),
        (b"", "no XML"),
        (b"creator_id,name\n", "no XML"),
        (b"\x1f\x8b\x08\x00", "no XML"),
        (b"<Document/>", "<Document> has no namespace, expected urn:.* a version of pain.002 or camt.054"),
        (report().replace("pain.002.001.10", "pain.001.001.09").encode(), "pain.001.001.09', expected"),
        (report().replace(":tech:", ":tec:").encode(), "iso:20022:tec:xsd:pain.002.001.10', expected"),
        (report(GROUP.format("")).replace("B1", "").encode(), "no GrpHdr/MsgId"),
        (report(GROUP.format("")).replace("2024-02-21T", "yesterday ").encode(), "GrpHdr/CreDtTm is 'yesterday"),
        (report(GROUP.format("")).replace("T10:30", "T24:00").replace(":00+01", ":00+01").encode(), "CreDtTm is '2024-02-21T24"),
        (report(GROUP.format("")).replace("2024-02-21T10:30:00+01:00", "0001-01-01T00:00:00+14:00").encode(), "CreDtTm is '0001"),
        (report().encode(), "no OrgnlGrpInfAndSts"),
        (report().replace("CstmrPmtStsRpt", "CstmrPmtSts").encode(), "neither CstmrPmtStsRpt"),
        (notification(entry("DBIT", "<Sts><Cd>BOOK</Cd></Sts>", "<TxDtls/>").replace("7.00", "7,00")).encode(), "an amount is 'USD 7,00', expected"),
        (notification(entry("DBIT", "<Sts><Cd>BOOK</Cd></Sts>", "<TxDtls/>").replace("USD", "usd")).encode(), "an amount is 'usd 7.00', expected"),
        (notification(entry("DBIT", "<Sts><Cd>BOOK</Cd></Sts>", "<TxDtls/>").replace("DBIT", "OUT")).encode(), "CdtDbtInd is 'OUT', expected"),
        (report(GROUP.format("")).replace("<Document", "<?xml version='1.0' encoding='latin-9x'?><Document").encode(), "no XML"),
        (report(GROUP.format("")).replace("B1", "\xe9").encode("latin-1"), "no XML"),
        (report(GROUP.format("")).replace("B1", "x" * 11_000_000).encode(), "no XML"),
    ],
    ids=[
        "bomb", "bomb16", "outside", "outside16", "dtd", "deep", "empty", "csv", "gzip", "no namespace",
        "our own file", "misspelt namespace", "no id", "no instant", "hour 24", "before 1",
        "no group", "another message", "amount", "currency", "direction", "no encoding", "another encoding",
        "a text of 11 MB",
    ],
)  # fmt: skip
def test_a_file_that_is_no_answer_is_refused(content: bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(NoAnswer, match=f"answer.xml: .*({said})"):
        read(tmp_path, content)


@pytest.mark.parametrize(
    ("content", "said", "outcomes"),
    [
        (report(GROUP.format(""), transaction("RJCT"), version="09"), "schema of pain.002.001.09 is not here", ["returned"]),
        (
            report(GROUP.format(""), transaction("RJCT", "<x xmlns='urn:other'>1</x>")),
            "line 1, CstmrPmtStsRpt/OrgnlPmtInfAndSts/TxInfAndSts/x: This element is not expected",
            ["returned"],
        ),
        (report(GROUP.format(""), transaction("REJECTED")), "TxInfAndSts/TxSts: .*maximum length of '4'", ["open"]),
        (
            notification(entry("DBIT", "<Sts><Cd>BOOK</Cd></Sts>", "<TxDtls/>").replace("<BkTxCd><Prtry><Cd>NTRF</Cd></Prtry></BkTxCd>", "")),
            "Ntfctn/Ntry/NtryDtls: This element is not expected",
            ["paid"],
        ),
    ],
    ids=["a version without schema", "an element of the bank's own", "a status of its own", "no code of booking"],
)  # fmt: skip
def test_a_message_that_a_bank_has_bent_is_read_and_told(
    content: str, said: str, outcomes: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "answer.xml"
    path.write_text(content)
    found, fault = read_answers(path)
    assert [one.outcome for one in found] == outcomes
    assert re.fullmatch(f".*answer.xml: .*{said}.*; it was read all the same", fault or "")


def test_a_file_that_is_absent_or_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NoAnswer, match="cannot be read: No such file"):
        read_answers(tmp_path / "absent.xml")
    os.mkfifo(tmp_path / "pipe.xml")
    for path in (tmp_path / "pipe.xml", Path("/dev/zero")):
        with pytest.raises(NoAnswer, match="cannot be read: no regular file"):
            read_answers(path)
    text = report(GROUP.format(""))
    monkeypatch.setattr(answers, "MOST_BYTES", len(text))
    assert read(tmp_path, text) == []
    with pytest.raises(NoAnswer, match="more than"):
        read(tmp_path, text + " ")


def test_rows_are_in_landing_form(tmp_path: Path) -> None:
    """A reason is one line of at most 500 characters, as §2 has it; ids of creators stay as they are."""
    due = Due(
        "bonus", "2024-01", date(2024, 2, 21), "2024-02-03T10:00:00Z",
        {"USD": [Payout('=a"\n,', "USD", 7_00)]}, {"USD": (1, 7_00)},
    )  # fmt: skip
    its_id = due.id_of("transaction", "USD", '=a"\n,')
    more = f"<AddtlInf>{'z' * 99}</AddtlInf>" * 6
    why = f"<StsRsnInf><Rsn><Prtry>x\ty</Prtry></Rsn>{more}</StsRsnInf>"
    text = report(GROUP.format(""), transaction("RJCT", why).replace("T1", its_id))
    answered = judged(due, read(tmp_path, text))
    path = write_returns(due, return_rows(due, answered), tmp_path / "out")
    assert path is not None
    import csv
    import io

    header, row = csv.reader(io.StringIO(path.read_text("utf-8"), newline=""))
    assert tuple(header) == COLUMNS
    assert row[:1] + row[2:6] == ["bonus", '=a"\n,', "2024-01", "USD", "returned"]
    assert row[6] == "x y " + " ".join(["z" * 99] * 5)[:495] + "…" and len(row[6]) == 500
    assert row[7] == "2024-02-21T09:30:00Z"
    assert write_returns(due, return_rows(due, judged(due, [])), tmp_path / "none") is None
    assert not (tmp_path / "none").exists()
    # Its own are made again; those of another program are not written over.
    assert write_returns(due, return_rows(due, answered), tmp_path / "out") == path
    own = path.read_bytes()
    other = replace(due, program="other")
    its_id = other.id_of("transaction", "USD", '=a"\n,')
    text = report(GROUP.format(""), transaction("RJCT", why).replace("T1", its_id))
    rows = return_rows(other, judged(other, read(tmp_path, text)))
    with pytest.raises(
        Refused, match=r"2024-01-returns\.csv is no file of this program and period"
    ):
        write_returns(other, rows, tmp_path / "out")
    assert path.read_bytes() == own
    # Nor are rows of its own that are not among these: somebody may have to deliver them yet.
    path.write_text(
        path.read_text("utf-8") + "bonus,R1,ann,2024-01,USD,returned,,2024-02-21T09:30:00Z\n"
    )
    own = path.read_bytes()
    with pytest.raises(Refused, match="or says something else"):
        write_returns(due, return_rows(due, answered), tmp_path / "out")
    assert path.read_bytes() == own
