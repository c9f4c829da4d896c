"""What is said of an error that nobody foresaw."""

import pytest

from orchestration.foundations.unexpected import unexpected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[Errno 28] No space left on device: 'x'", "a disk or quota is full"),
        ('Could not write file "x": File too large', "a disk or quota is full"),
        ("(sqlite3.OperationalError) database or disk is full\n[SQL: insert]", "quota is full"),
        ("(sqlite3.OperationalError) unable to open database file", "no more files fit"),
        ("[Errno 13] Permission denied: 'x'", "who may write there?"),
        ("[Errno 30] Read-only file system: 'x'", "who may write there?"),
    ],
)
def test_it_says_what_an_error_of_the_disk_comes_from(text: str, said: str) -> None:
    line = unexpected("Error", text)
    assert line.startswith(f"Error: {text.splitlines()[0]} - ")
    assert said in line
    assert "what was published is unchanged" in line.lower()


def test_only_the_first_line_is_shown() -> None:
    assert unexpected("ValueError", "\n  no such thing\nparameters: ('c-000017',)") == (
        "ValueError: no such thing"
    )
    assert unexpected("KeyError", "") == "KeyError"
