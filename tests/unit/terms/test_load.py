"""Loading a file: what it gives, and that whatever is wrong is told, all of it, without a crash."""

import hashlib
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.terms.load import ProgramFileError, load_program, parse_program
from orchestration.terms.model import Program
from orchestration.terms.problems import Problem
from orchestration.terms.tables import terms_tables

from .conftest import PROGRAM

Problems = Callable[..., list[Problem]]


def said(path: Path) -> str:
    with pytest.raises(ProgramFileError) as refused:
        load_program(path)
    return str(refused.value)


def test_a_loaded_program_knows_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "spring.yaml"
    path.write_text(PROGRAM)
    loaded = load_program(path)
    assert loaded.program.program == "spring-bonus"
    assert loaded.path == path
    assert loaded.content == PROGRAM.encode()
    assert loaded.sha256 == hashlib.sha256(PROGRAM.encode()).hexdigest()


def test_a_problem_is_a_line_with_file_line_path_found_and_expected(tmp_path: Path) -> None:
    path = tmp_path / "spring.yaml"
    path.write_text(PROGRAM.replace("up_to: 10000", "up_to: lots").replace("posts: 10", "posts: 0"))
    assert said(path).splitlines() == [
        f"{path}:31: terms[0].payout.rates.US[1].up_to: found lots, "
        "expected a number above 0, up to 1000000000000000, at most 6 decimals",
        f"{path}:34: terms[0].payout.milestones[0].posts: found 0, "
        "expected a whole number from 1 to 1000000000000000, written without point or exponent",
    ]


def test_all_kinds_of_problems_are_told_at_once_in_the_order_of_lines(problems: Problems) -> None:
    found = problems(
        ("currency: USD", "currency: &anchor USD\ncurrency: EUR"),  # YAML
        ("Asia/Tokyo", "Mars/Olympus"),  # a value
        ("starts_on: 2024-04-01", "starts_on: 2024-03-31"),  # a rule
        ("version: 1", "version: 1\n    extra: 1"),  # an unknown key
        ("minimum_payout: {USD: 25.00", "minimum_payout: {USD: 25.001"),  # a rule
        (", brackets: [{rate: 0.24}]", ""),  # a missing key
    )
    assert [problem.line for problem in found] == [2, 3, 4, 8, 12, 44, 47]


@pytest.mark.parametrize("text", ["a text", "12", "[]", "null", "--- "])
def test_a_file_that_is_no_mapping(text: str) -> None:
    with pytest.raises(ProgramFileError, match="expected a mapping"):
        parse_program(text.encode(), "file")


def test_the_text_of_a_file_without_keys_is_not_shown() -> None:
    """Who may name a file to a server does not thereby read it."""
    with pytest.raises(ProgramFileError) as failed:
        parse_program(b"postgresql://user:secret@host/db", "file")
    assert str(failed.value) == "file:1: found a text without keys, expected a mapping"


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("version: 2", r'version: "\x1b[31mred\n"', r'"\u001b[31mred\u000a"'),
        ("version: 2", "version: '" + "9" * 200 + "'", '"' + "9" * 78 + "…"),
        ("version: 2", "version: [1]", "a list"),
        ("version: 2", "version: {}", "an empty mapping"),
        ("version: 2", "version:", "null"),
        ("version: 2", "version: ''", '""'),
    ],
)
def test_what_was_found_is_shown_safely(
    problems: Problems, before: str, after: str, found: str
) -> None:
    (problem,) = problems((before, after))
    assert problem.found == found
    assert str(problem).isprintable()


def test_a_key_path_is_shown_safely(problems: Problems) -> None:
    of_key, of_value = map(str, problems(("DE: 0.7", '"a.b\\e": x')))
    assert ': terms[0].audience_value.countries."a.b\\u001b": found a.b\\u001b,' in of_key
    assert ': terms[0].audience_value.countries."a.b\\u001b": found x,' in of_value


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert said(tmp_path / "missing") == (
        f"{tmp_path}/missing: found nothing to read (No such file or directory), "
        "expected a program file"
    )
    assert said(tmp_path).endswith(
        "found nothing to read (Is a directory), expected a program file"
    )
    assert said(pipe).endswith("found no regular file, expected a program file")
    assert said(Path("/dev/zero")).endswith("found no regular file, expected a program file")
    assert "embedded null byte" in said(Path("a\0b"))
    assert "found nothing to read" in said(Path("x" * 5000))


def test_a_huge_file_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as file:
        file.truncate(2**40)  # sparse
    assert said(path).endswith("found more than 262144 bytes, expected at most 262144 bytes")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_program_or_a_problem(content: bytes) -> None:
    assert_handled(content)


@given(st.text(alphabet="{}[]:,-?&*!|>'\"%@`#~ \n\tax1.", max_size=60))
def test_any_yaml_like_text_is_a_program_or_a_problem(text: str) -> None:
    assert_handled(text.encode())


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_program_is_a_program_or_a_problem(seed: int) -> None:
    chance = random.Random(seed)
    content = bytearray(PROGRAM.encode())
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(content))
        piece = chance.choice(
            [b"", b"\n", b": ", b"[", b"{", b"}", b"'", b"-", b"null", b"&a ", b"*a", b"\xff"]
            + [b"9" * 50, b"1e999999999", b"0001-01-01", b"9999-12-31", b"\x00", b"\xed\xa0\x80"]
        )
        content[place : place + chance.randrange(12)] = piece
    assert_handled(bytes(content))


SCALARS = ["null", "x", "-1", "1e400", "0001-01-01", "9999-12-31", "[]", "{}", "[{}]", "{a: {}}"]


@pytest.mark.parametrize("value", SCALARS)
def test_any_value_may_stand_anywhere(value: str) -> None:
    """Each line's value in turn: a rule that trusts its draft too far would crash here."""
    lines = PROGRAM.splitlines()
    for number, line in enumerate(lines):
        key = line.split(":")[0]
        changed = [*lines[:number], f"{key}: {value}", *lines[number + 1 :]]
        assert_handled("\n".join(changed).encode())


def assert_handled(content: bytes) -> None:
    """It is a program, and then its tables can be made; or its problems are told."""
    try:
        program = parse_program(content, "file")
    except ProgramFileError as error:
        assert error.problems
        assert str(error).splitlines() == [str(problem) for problem in error.problems]
        assert all(str(problem).isprintable() for problem in error.problems)
    else:
        assert isinstance(program, Program)
        for period in program.periods:
            terms_tables(program, period.key)


def test_the_programs_of_the_worked_cases_load(shared: Path) -> None:
    paths = [*shared.glob("worked/*/program.yaml"), shared / "data" / "trending-bonus.yaml"]
    assert len(paths) == 37
    for path in paths:
        program = load_program(path).program
        for period in program.periods:
            terms_tables(program, period.key)
