"""What the command line prints of data is made visible: no escape, no markup, no line of its own."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console as Rich

from orchestration.command_line import edge
from orchestration.command_line.console import Console
from orchestration.dagster_glue.run_in_process import Outcome
from orchestration.ingest.quarantine import QuarantineView, ReasonCount
from orchestration.pipeline.changed_inputs import Changed

HOSTILE = {
    "colour": "\x1b[31mred\x1b[0m",
    "title": "\x1b]0;owned\x07",
    "screen cleared": "\x1b[2J\x1b[H",
    "eight-bit escape": "\x9b31mred",
    "right to left": "a\u202eb\u2066c",
    "a line of its own": "x\r\n2024-04: 5 of 5 gates held",
    "rich markup": "[red]red[/red] [link=file:///etc/passwd]x[/link]",
    "broken markup": "[/nothing] \\[bold]",
    "zero width": "a\u200bb\ufeff",
    "half a character": "\udcff",
}
# Besides letters: what the product's own output may hold.
ALLOWED = set("\n")


def printable(text: str) -> bool:
    return all(char in ALLOWED or char.isprintable() for char in text)


def view_of(text: str) -> QuarantineView:
    row = {
        "dataset": text,
        "file": text,
        "row_no": 2,
        "column_name": text,
        "reason": text,
        "raw_text": text,
    }
    file = {"dataset": text, "file": text, "reason": text, "detail": text}
    deleted = {"dataset": text, "file": text, "rows": 3}
    return QuarantineView([ReasonCount(text, text, 1, 1)], [row], [file], [deleted])


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_quarantine_is_shown_as_text(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    Console().quarantine("2024-04", view_of(text))
    out = capsys.readouterr().out
    assert printable(out)
    # The raw text stands on one line: a newline in it makes none.
    assert len([line for line in out.splitlines() if line.startswith("    ")]) == 2
    if "[" in text and text.isprintable() and "\\" not in text:
        assert text in out


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_status_is_shown_as_text(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Names of people come from tags and approvers that anyone may type into the UI."""
    state = {
        "period": "2024-04",
        "state": "closed",
        "closed_by": text,
        "restatement": None,
        "last_run": {"run_id": "r", "job": "period", "status": "SUCCESS", "by": text},
        "changed": None,
        "later_run": f"a later run (r, started by {text}) was blocked",
        "gates": None,
        "left_out": None,
        "totals": None,
    }
    Console().status("program", [state])
    out = capsys.readouterr().out
    assert printable(out)
    assert "2024-04: a later run (r, started by " in out


def test_the_state_of_the_books_and_the_fate_of_the_last_run_are_both_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A blocked run leaves what is published: "5 of 5 gates held" speaks of that alone."""
    gates = {"ingest": {"held": True, "warnings": 0}}
    state = dict.fromkeys(
        ("closed_by", "restatement", "last_run", "later_run", "left_out", "totals", "changed")
    )
    states = [
        {**state, "period": "2024-04", "state": "estimated", "gates": gates},
        {**state, "period": "2024-05", "state": "estimated", "gates": gates}
        | {"later_run": "a later run of 2024-05 was blocked: the ingest gate has not held"},
    ]
    Console().status("program", states)
    out = capsys.readouterr().out
    assert out.count("1 of 1 gates held") == 2
    assert "2024-05: a later run of 2024-05 was blocked: the ingest gate has not held\n" in out
    assert "2024-04: " not in out


def test_a_close_that_failed_is_no_run_that_failed(capsys: pytest.CaptureFixture[str]) -> None:
    state = dict.fromkeys(
        ("closed_by", "restatement", "later_run", "left_out", "totals", "changed", "gates")
    )
    run = {"run_id": "r", "status": "FAILURE", "by": "root"}
    for job, said in (("close", "last close: failure"), ("period", "last run: failure")):
        last = {"period": "2024-04", "state": "estimated", "last_run": {**run, "job": job}}
        Console().status("program", [{**state, **last}])
        assert said in capsys.readouterr().out


def test_what_changed_after_runs_is_told_once_with_the_command_for_all(
    capsys: pytest.CaptureFixture[str],
) -> None:
    state = dict.fromkeys(
        ("closed_by", "restatement", "last_run", "later_run", "left_out", "totals", "gates")
    )
    payees = Changed(True, ("payees",)).to_json()
    states = [
        {**state, "period": "2024-04", "state": "closed", "changed": payees},
        {**state, "period": "2024-05", "state": "estimated", "changed": payees},
        {**state, "period": "2024-06", "state": "estimated", "changed": payees},
        {**state, "period": "2024-07", "state": "estimated", "changed": Changed(False).to_json()},
        {**state, "period": "2024-08", "state": "not published", "changed": None},
    ]
    Console().status("program", states, " --home 'my home'")
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "the landing data (payees) changed after the runs of 2024-05, 2024-06."
        " To count what lies there now:",
        "  bonus run 2024-05 2024-06 --by NAME --home 'my home'",
    ]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_warnings_are_shown_as_text(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    totals = dict.fromkeys(("eligible_creators", "creators", "eligible_posts", "posts"), 0)
    gates = {"ingest": {"held": True, "warnings": [text]}}
    Console().summary(
        Outcome(
            "p", "2024-04", "r", 0, totals={**totals, "currencies": {}}, gates=gates, remarks=[text]
        )
    )
    out = capsys.readouterr().out
    assert printable(out)
    assert "warning (ingest): " in out
    assert len(out.splitlines()) >= 3, "the remark has a line of its own"


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_messages_and_json_are_visible(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    edge.say(text)
    edge.show(text)
    edge.show_json({text: text})
    streams = capsys.readouterr()
    assert printable(streams.err)
    assert printable(streams.out)
    answer = streams.out[streams.out.index("{") :]
    assert json.loads(answer) == {text: text}


def test_a_wait_is_said_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with Console().progress("2024-04") as progress:
        progress("settling 2024-05 anew")
        progress("waiting for another run to publish p")
    with Console(quiet=True).progress("2024-04") as progress:
        progress("waiting for another run to publish p")
    assert capsys.readouterr().err == "2024-04: waiting for another run to publish p\n"


def test_a_file_that_differs_is_named_wherever_a_run_is_watched(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = "ingest (1 of 5): posts/a.csv has other bytes than when it was hashed, though it looks the same"
    for quiet in (False, True):
        with Console(quiet=quiet).progress("2024-04") as progress:
            progress("ingest (1 of 5): reading")
            progress(text)
        assert capsys.readouterr().err == f"2024-04: {text}\n"


def test_progress_tells_step_time_and_memory_on_a_terminal() -> None:
    console, screen = Console(), io.StringIO()
    console._err = Rich(file=screen, force_terminal=True, width=100)
    with console.progress("2024-04") as progress:
        progress("staging (2 of 5): models")
    assert "2024-04: staging (2 of 5): models" in screen.getvalue()
    assert re.search(r"0:00:\d\d\S* at most [1-9][\d,]* MiB", screen.getvalue())


def test_more_than_is_shown_is_counted(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    view = QuarantineView([ReasonCount("posts", "RAGGED", 1200, 0)], view_of("x").rows, [], [])
    Console().quarantine("2024-04", view)
    assert "and 1,199 more rows" in capsys.readouterr().out
    Console().quarantine("2024-04", QuarantineView([], [], [], []))
    out = capsys.readouterr().out
    assert "nothing is in quarantine" in out and "deleted" not in out


def test_deleted_rows_are_shown_by_file(capsys: pytest.CaptureFixture[str]) -> None:
    deleted = [{"dataset": "posts", "file": "posts/a.csv", "rows": 1234}]
    Console().quarantine("2024-04", QuarantineView([], [], [], deleted))
    out = capsys.readouterr().out
    assert "2024-04: deleted by their source, and left out" in out
    assert re.search(r"posts/a\.csv .* 1,234 ", out)


@pytest.mark.parametrize(
    ("left_out", "lines"),
    [
        ({"quarantined": 0, "deleted": 0}, []),
        ({"quarantined": 1, "deleted": 2345}, ["1 rows quarantined", "2,345 rows deleted"]),
        (None, []),
    ],
)
def test_status_counts_the_rows_that_do_not_count(
    left_out: dict[str, int] | None, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    state = dict.fromkeys(
        ("closed_by", "restatement", "last_run", "later_run", "totals", "gates", "changed")
    )
    Console().status(
        "program", [{**state, "period": "2024-04", "state": "estimated", "left_out": left_out}]
    )
    assert re.findall(r"[\d,]+ rows \w+", capsys.readouterr().out) == lines
