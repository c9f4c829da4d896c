"""The HTML of a statement: one file, no address, no script, nothing to fetch.

Jinja2 escapes all text, `shown` what would not print, and texts come from the language's catalogue.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup, escape

from orchestration.explain.earns_nothing import OUTCOMES as EARNING_OUTCOMES
from orchestration.explain.earns_nothing import REASONS as EARNING_REASONS
from orchestration.explain.earns_nothing import MoreGained
from orchestration.explain.steps import Step
from orchestration.explain.would_count import OUTCOMES, Condition
from orchestration.foundations.messages import Message
from orchestration.foundations.texts import shown
from orchestration.statements import wording
from orchestration.statements.figures import Statement
from orchestration.statements.languages import Language, Speech, translations
from orchestration.terms.counts import ALL_COUNTS
from orchestration.terms.currencies import minor_units
from orchestration.terms.reasons import STATUS_REASONS

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES: Final = Path(__file__).parent / "templates"
MARK_DIGITS: Final = 32
NO_MARK: Final = "0" * MARK_DIGITS
_BEFORE_MARK: Final = b'<meta name="bonus-statement" content="'
_QR_MASK: Final = 2  # which pattern hides the code's own; trying all eight takes four times as long


TermsPages = dict[tuple[Hashable, ...], Markup]
"""The section about terms, of each creators' terms of one program once: it is a fifth of a page's work."""


def render(statement: Statement, language: Language, file: str, terms_pages: TermsPages) -> bytes:
    """The page in a language, with no mark yet; `file` has the proved facts.

    `terms_pages` are kept from one page to the next of the same program and period.
    """
    page = _environment(language).get_template("statement.html")
    code, terms = _qr_code(statement), _terms(statement, language, terms_pages)
    return page.render(
        statement=statement, file=file, mark=NO_MARK, qr_code=code, terms=terms
    ).encode()


def _terms(statement: Statement, language: Language, known: TermsPages) -> Markup:
    terms = statement.terms
    key = (
        language,
        statement.market,
        statement.cap_minor,
        tuple(version.version for version in terms.versions),
        None if terms.withholding is None else terms.withholding.model_dump_json(),
        tuple(terms.minimum_minor.items()),
    )
    if key not in known:
        page = _environment(language).get_template("terms.html")
        known[key] = Markup(page.render(statement=statement))  # noqa: S704 - our own template's
    return known[key]


def marked(page: bytes, mark: str) -> bytes:
    """The page with another mark."""
    head, found, rest = page.partition(_BEFORE_MARK)
    return head + found + mark.encode() + rest[MARK_DIGITS:]


def mark_in(page: bytes) -> str | None:
    """The mark of a page; None if it has none."""
    _, found, rest = page.partition(_BEFORE_MARK)
    return rest[:MARK_DIGITS].decode("ascii", "replace") if found else None


def _qr_code(statement: Statement) -> Markup:
    """Root, leaf and index in one line, as an image; capitals take less room in it."""
    import segno

    proof = statement.proof
    content = f"{proof['root']} {statement.leaf} {proof['leaf_index']}".upper()
    code = segno.make_qr(content, error="m", boost_error=False, mask=_QR_MASK)
    return Markup(code.svg_inline(scale=2, border=4, light="#fff", svgclass=None, lineclass=None))  # noqa: S704


@cache
def _environment(language: Language) -> Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    speech = Speech(language)
    environment.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    environment.filters |= {
        "text": partial(_text, language),
        "name": _name,
        "amount": lambda amount, currency: escape(
            speech.money(minor_units(amount, currency), currency)
        ),
        "value": partial(_value, speech),
        "formula": _formula,
        "needed": partial(_needed, speech),
        "gained": partial(_gained, speech),
    }
    for name in ("number", "percent", "money", "day", "moment"):
        environment.filters[name] = _as_it_stands(getattr(speech, name))
    environment.globals |= {
        "language": language,
        "style": Markup((TEMPLATES / "statement.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        "words": wording,
        "counts": ALL_COUNTS,
        "status_reasons": STATUS_REASONS,
        "outcomes": OUTCOMES,
        "earning_reasons": EARNING_REASONS,
        "earning_outcomes": EARNING_OUTCOMES,
    }
    return environment


def _as_it_stands(write: Callable[..., str]) -> Callable[..., Markup]:
    """A filter whose result is of ours: its blanks that do not break are no text from outside."""
    return lambda *values: escape(write(*values))


def _text(language: Language, message: Message | str) -> Markup:
    """A message in a language; its values are text from outside."""
    known = message if isinstance(message, Message) else Message(message)
    text = Markup(translations(language).gettext(known.text))  # noqa: S704 - a text of our catalogues
    return (
        text % {name: _name(value) for name, value in known.values.items()}
        if known.values
        else text
    )


def _name(text: str) -> Markup:
    """An id or name from outside: what does not print is made visible, and its direction is its own."""
    return Markup("<bdi>{}</bdi>").format(shown(text))


def _value(speech: Speech, step: Step) -> Markup:
    """A step's value: money in units of its currency, where it is a whole number of minor units."""
    currency, is_minor, _ = step.unit.partition(" minor")
    if not is_minor:
        return escape(speech.number(step.value))
    return escape(speech.money(step.value, currency))


def _needed(speech: Speech, condition: Condition, zone: str) -> Markup:
    """A condition in a language: what it needs is written as the language writes its kind."""

    def written(value: str) -> Markup:
        if condition.kind == "number":
            return escape(speech.number(value))
        if condition.kind == "day":
            return escape(speech.day(date.fromisoformat(value)))
        if condition.kind == "moment":
            return escape(speech.moment(value, zone, is_edge=True))
        if condition.kind == "account types":
            return _text(speech.language, wording.ACCOUNT_TYPES[value])
        return _name(value)

    text = _text(speech.language, condition.message)
    if not condition.needed:
        return text
    return text % {"needed": Markup(", ").join(written(value) for value in condition.needed)}


def _gained(speech: Speech, more: MoreGained, zone: str) -> Markup:
    """The gain that a post lacked, in a language."""
    start, end = (
        escape(speech.moment(edge, zone, is_edge=True)) for edge in (more.starts_at, more.ends_at)
    )
    needed = escape(speech.number(more.needed))
    return _text(speech.language, more.message) % {"needed": needed, "start": start, "end": end}


def _formula(step: Step) -> str | None:
    """The arithmetic of a step in its numbers, with the signs that people write."""
    numbers = step.in_numbers()
    if numbers is None:
        return None
    return numbers.replace(" * ", " × ").replace(" / ", " ÷ ").replace(" - ", " − ")


def _printable(value: Any) -> Any:
    """Control and direction characters, made visible; our own markup as it is."""
    return shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value
