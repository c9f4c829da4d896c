"""What `bonus init` takes as answers, and what it refuses, with what is expected."""

from datetime import date

import pytest

from orchestration.new_program import answers
from orchestration.new_program.answers import AnswerError, Answers


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("mine", "mine"),
        ("Bonus de Été 2025", "bonus-de-ete-2025"),
        ("--x--", "x"),
        ("ボーナス", "my-bonus"),
        ("", "my-bonus"),
        ("a" * 41, "a" * 40),
        ("a" * 39 + "-b", "a" * 39),
    ],
)
def test_a_program_is_named_after_its_folder(folder: str, name: str) -> None:
    assert answers.program_named_after(folder) == name
    assert answers.read_program(name) == name


def test_a_country_with_one_time_zone_needs_none_and_others_do() -> None:
    assert answers.read_markets(["FR", "US=America/Los_Angeles", "emea=UTC"]) == {
        "FR": "Europe/Paris",
        "US": "America/Los_Angeles",
        "emea": "UTC",
    }
    with pytest.raises(
        AnswerError, match=r"several time zones \(America/New_York, .*US=America/New"
    ):
        answers.read_markets(["US"])


@pytest.mark.parametrize(
    ("markets", "said"),
    [
        ([], "expected 1 to 60"),
        ([f"m{number}=UTC" for number in range(61)], "found 61, expected 1 to 60"),
        (["fr"], "it is no country code, so write FR, or say its time zone: fr=Europe/Paris"),
        (["emea"], "it is no country code, so say its time zone"),
        (["FR", "FR=UTC"], "FR is given twice"),
        (["FR="], "found the time zone '', expected one such as Europe/Paris"),
        (["FR=../../etc/passwd"], "expected one such as Europe/Paris"),
        (["FR=europe/paris"], "expected one such as Europe/Paris"),
        (["Null=UTC"], "expected a code of letters"),
        (["1x=UTC"], "expected a code of letters"),
        (["*=UTC"], "expected a code of letters"),
        (["FR: {x}=UTC"], "expected a code of letters"),
        (["a" * 41 + "=UTC"], "expected a code of letters"),
        (["FR\n=UTC"], "expected a code of letters"),
    ],
)
def test_markets_that_cannot_be_taken(markets: list[str], said: str) -> None:
    with pytest.raises(AnswerError) as refused:
        answers.read_markets(markets)
    assert said in str(refused.value)


def test_sixty_markets_and_a_code_of_forty_letters_are_taken() -> None:
    assert len(answers.read_markets([f"m{number}=UTC" for number in range(60)])) == 60
    assert answers.read_markets(["a" * 40 + "=UTC"]) == {"a" * 40: "UTC"}


@pytest.mark.parametrize("text", ["1", "24"])
def test_one_to_24_periods(text: str) -> None:
    assert answers.read_periods(text) == int(text)


@pytest.mark.parametrize("text", ["0", "25", "-1", "1.5", "", "٣", "1e1", "9" * 5000])
def test_other_numbers_of_periods_are_refused(text: str) -> None:
    with pytest.raises(AnswerError, match="expected a whole number, 1 to 24"):
        answers.read_periods(text)


@pytest.mark.parametrize("text", ["1999-12", "2100-01", "2025-13", "2025-1", "2025-01-01", "jan"])
def test_other_months_are_refused(text: str) -> None:
    with pytest.raises(AnswerError, match="expected a month, YYYY-MM, 2000 to 2099"):
        answers.read_first(text)


def test_words_that_are_not_known_are_refused() -> None:
    with pytest.raises(AnswerError, match="such as USD: write it in upper case"):
        answers.read_currency("eur")
    with pytest.raises(AnswerError, match=r"found 'XXX', expected an ISO 4217 code, such as USD$"):
        answers.read_currency("XXX")
    with pytest.raises(AnswerError, match=r"expected rate .* or pool"):
        answers.read_method("rates")
    with pytest.raises(AnswerError, match=r"program: found '../x', expected a name"):
        answers.read_program("../x")


def test_months_end_where_the_next_begin() -> None:
    made = Answers("p", "EUR", {"FR": "Europe/Paris"}, "rate", date(2023, 12, 1), 3)
    assert made.months() == [
        (date(2023, 12, 1), date(2023, 12, 31)),
        (date(2024, 1, 1), date(2024, 1, 31)),
        (date(2024, 2, 1), date(2024, 2, 29)),
    ]
