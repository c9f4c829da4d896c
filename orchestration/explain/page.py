"""An explanation in words: its parts, and as text, a page that a creator could be sent."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import groupby
from typing import Final

from orchestration.explain.earns_nothing import OUTCOMES as EARNING_OUTCOMES
from orchestration.explain.earns_nothing import EarnsNothing
from orchestration.explain.explanation import Explanation
from orchestration.explain.expression import plain
from orchestration.explain.not_counted import NotEligible
from orchestration.explain.steps import Step
from orchestration.explain.would_count import OUTCOMES, WouldCount
from orchestration.terms.currencies import minor_unit_decimals, money_text
from orchestration.terms.reasons import STATUS_REASONS

_TITLES = {"5": "Points", "6": "Amounts", "7": "Payout"}
_WIDTH = 100
FORMULAS: Final = "Formulas are in the smallest unit of the currency: 1.00 USD is 100."
EARN_NOTHING: Final = "Posts that count and earn nothing (§5, §6)"
LEFT_OUT: Final = "Posts that do not count (§4)"


def page(explanation: Explanation) -> str:
    """The whole page, without a line feed at its end."""
    return "\n".join(_lines(explanation))


def _lines(explanation: Explanation) -> Iterator[str]:
    yield f"Bonus of {explanation.creator_id}"
    yield f"{explanation.program}, period {explanation.period}, {explanation.state}"
    yield ""
    yield from outcomes(explanation)
    if explanation.creator_change:
        yield from _change(explanation.creator_change, "  ")
    for title, sums in sections(explanation):
        yield from ("", title)
        for steps in sums:
            yield from _sums(steps)
    yield from ("", FORMULAS)
    if explanation.earns_nothing:
        yield from ("", EARN_NOTHING)
        for post in explanation.earns_nothing:
            yield from (f"  {post.post_id}", f"      {why_nothing(post)}")
            outcome, conditions = would_earn(post)
            yield from (f"      {outcome}", *(f"        - {one}" for one in conditions))
    if explanation.not_eligible:
        yield from ("", LEFT_OUT)
        for post_id, why in left_out(explanation):
            yield f"  {post_id}"
            yield from (f"      {sentence}" for sentence in why)
            yield from _change(explanation.post_changes[post_id], "      ")


def outcomes(explanation: Explanation) -> Iterator[str]:
    """The outcome of each ledger row, then each of the creator's own reasons."""
    for currency, (status, reason) in explanation.statuses.items():
        why = f": {STATUS_REASONS[reason].text}" if reason else ""
        paid = _step(explanation, currency, "payout_minor")
        yield f"{currency}: {status}{why}; paid out {value_of(paid)} {currency}"
    for own in explanation.creator_reasons:
        yield f"Not eligible, {own.reason}: {own.text}"


def sections(explanation: Explanation) -> Iterator[tuple[str, list[list[Step]]]]:
    """The title of each section that has steps, and its sums: the steps, then what one more point would pay."""
    for section, title in _TITLES.items():
        steps = [step for step in explanation.steps if step.section == section]
        one_more = explanation.one_more_point if section == "6" else None
        if steps:
            yield f"{title} (§{section})", [steps, *([[one_more]] if one_more else [])]


def left_out(explanation: Explanation) -> Iterator[tuple[str, list[str]]]:
    """Each post that does not count, with a sentence a reason."""
    for post_id, reasons in groupby(explanation.not_eligible, lambda post: post.post_id):
        yield post_id, [_reason(post) for post in reasons]


def why_nothing(post: EarnsNothing) -> str:
    """Why a post that counts earns nothing."""
    found = "" if post.needed is None else f" Found {post.found} points, needed {post.needed}."
    return f"{post.text} ({post.reason}){found}"


def would_earn(post: EarnsNothing) -> tuple[str, list[str]]:
    """The conditions under which it would have earned something, after a sentence."""
    return EARNING_OUTCOMES[post.outcome], [post.more.text] if post.more else []


def _reason(post: NotEligible) -> str:
    found = "" if post.found is None else f" Found {post.found}, needed {post.needed}."
    return f"{post.text} ({post.reason}){found}"


def _step(explanation: Explanation, currency: str, column: str) -> Step:
    wanted = explanation.ledger[currency][column]
    return next(step for step in explanation.steps if step.id == wanted)


def _sums(steps: Sequence[Step]) -> Iterator[str]:
    """Texts on the left; values on the right, their decimal points under each other."""
    values = [value_of(step).partition(".") for step in steps]
    label = max(len(step.text) for step in steps)
    whole = max(len(value[0]) for value in values)
    fraction = max(len(value[1] + value[2]) for value in values)
    for step, (digits, point, decimals) in zip(steps, values, strict=True):
        number = digits.rjust(whole) + (point + decimals).ljust(fraction)
        yield f"  {step.text.ljust(label)}  {number}  {unit_of(step)}"
        yield from _formula(step)


def _formula(step: Step) -> Iterator[str]:
    """The expression with its numbers; nothing where it says no more than the value."""
    if (numbers := step.in_numbers()) is not None:
        yield from textwrap.wrap(
            f"= {numbers}", _WIDTH, initial_indent="      ", subsequent_indent="        "
        )


def unit_of(step: Step) -> str:
    """The unit in which `value_of` says the value."""
    return step.unit.removesuffix(" minor")


def value_of(step: Step) -> str:
    """A value as a person reads it: money in units of the currency, digits in groups."""
    currency, minor, _ = step.unit.partition(" minor")
    if not minor:
        return _grouped(step.value)
    if "." not in step.value:
        return money_text(currency, int(step.value))
    return _grouped(plain(Fraction(step.value) / 10 ** minor_unit_decimals(currency)))


def _grouped(value: str) -> str:
    whole, point, decimals = value.partition(".")
    sign = "-" if whole.startswith("-") else ""
    return f"{sign}{int(whole.removeprefix('-')):,}{point}{decimals}"


def _change(change: WouldCount, indent: str) -> Iterator[str]:
    yield f"{indent}{OUTCOMES[change.outcome]}"
    for condition in change.conditions:
        yield f"{indent}  - {condition.text}"
