"""Our own page of one creator in a period (§11): what `bonus explain` says, to be read in a browser."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from markupsafe import escape
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from orchestration.dagster_glue.report_files import page_of
from orchestration.explain.explanation import Explanation
from orchestration.explain.page import (
    EARN_NOTHING,
    FORMULAS,
    LEFT_OUT,
    left_out,
    outcomes,
    sections,
    unit_of,
    value_of,
    why_nothing,
    would_earn,
)
from orchestration.explain.reading import NoLedgerRow, explain_creator
from orchestration.explain.steps import Step
from orchestration.explain.would_count import OUTCOMES, WouldCount
from orchestration.pipeline.refusals import Refused
from orchestration.records import Unreadable
from orchestration.reports.page import Number, Table, cell
from orchestration.reports.parts import columns
from orchestration.terms.load import ProgramFileError
from orchestration.web.frame import Frame

_ASKED = "creator_id"


def creators_page_of(program: str, period: str) -> str:
    """The address at which a form asks for one creator of a period."""
    return f"{page_of(program, period)}/creators"


def creator_page_of(program: str, period: str, creator_id: str) -> str:
    """The address of a creator's numbers. An id may be any text, also `..`, so it is no part of the path."""
    return f"{creators_page_of(program, period)}?{urlencode({_ASKED: creator_id})}"


class CreatorPage:
    """The page, which has the form too."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[Route]:
        """The page; it changes nothing."""
        return [Route(creators_page_of("{program}", "{period}"), self.creator)]

    def creator(self, request: Request) -> Response:
        """The explanation of a creator's numbers; the form alone where none is asked for.

        404 for a creator without a row in the ledger, 409 where `bonus explain` ends with status 4.
        """
        found = self._frame.asked(request)
        if isinstance(found, Response):
            return found
        loaded, period = found
        creator_id = request.query_params.get(_ASKED, "")
        status, said, shown = 200, None, None
        try:
            if creator_id:
                shown = _shown(
                    explain_creator(self._frame.home, loaded.program, period, creator_id)
                )
        except NoLedgerRow:
            status = 404
            said = f"No creator of this id has a row in the ledger of {period}; check the id."
        except (Refused, Unreadable, ProgramFileError) as error:
            status, said = 409, str(error)
        program = loaded.program.program
        return self._frame.page(
            "creator.html",
            status,
            title=f"{program}: {period}, {cell(creator_id) or 'one creator'}",
            period=period,
            period_page=page_of(program, period),
            creators=creators_page_of(program, period),
            # The form gives the id back as it is: nothing of it is made visible for a reader.
            creator_id=escape(creator_id),
            said=said,
            shown=shown,
        )


def _shown(explanation: Explanation) -> dict[str, Any]:
    return {
        "state": explanation.state,
        "outcomes": list(outcomes(explanation)),
        "change": _change(explanation.creator_change),
        "tables": [
            _table(title, [step for steps in sums for step in steps])
            for title, sums in sections(explanation)
        ],
        "formulas": FORMULAS,
        "posts": [
            (
                *("earn-nothing", EARN_NOTHING),
                [
                    (post.post_id, [why_nothing(post)], would_earn(post))
                    for post in explanation.earns_nothing
                ],
            ),
            (
                *("left-out", LEFT_OUT),
                [
                    (post_id, why, _change(explanation.post_changes[post_id]))
                    for post_id, why in left_out(explanation)
                ],
            ),
        ],
    }


def _change(change: WouldCount | None) -> tuple[str, list[str]] | None:
    """The conditions under which it would have counted, after a sentence."""
    if change is None:
        return None
    return OUTCOMES[change.outcome], [one.text for one in change.conditions]


def _table(title: str, steps: list[Step]) -> Table:
    values = [value_of(step) for step in steps]
    room = max(len(point + decimals) for _, point, decimals in (v.partition(".") for v in values))
    return Table(
        title,
        columns("Step", "Value #", "Unit", "Formula"),
        [
            [step.text, Number(value, room), unit_of(step), step.in_numbers() or ""]
            for step, value in zip(steps, values, strict=True)
        ],
    )
