"""Our own pages of adjustments by hand (§7): what waits, what its approval would change, and a new one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from markupsafe import escape
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from orchestration.adjusting.preview import previewed
from orchestration.adjusting.proposals import (
    NotOne,
    Row,
    approved,
    if_approved,
    in_force,
    landed,
    of_period,
    proposed,
)
from orchestration.dagster_glue.jobs import APPROVE_OP, PROPOSE_OP
from orchestration.dagster_glue.report_files import adjustments_page_of, page_of
from orchestration.dagster_glue.resources import APPROVE_JOB, PROPOSE_JOB
from orchestration.ingest.bucket import NotReachable
from orchestration.pipeline.refusals import Refused
from orchestration.records import Unreadable
from orchestration.terms.load import LoadedProgram
from orchestration.web.frame import Fields, Frame
from orchestration.web.launching import NotLaunched

_ASKED: Final = (
    ("creator_id", "Creator", "the creator's id"),
    ("currency", "Currency", "USD"),
    ("amount", "Amount", "12.50; -12.50: owed back"),
    ("reason", "Reason", "why, in a line"),
)
"""The fields of a proposal: name, label, and what to type."""


class AdjustmentPages:
    """The page of a period's adjustments, and its two forms."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[Route]:
        """The page, and where its forms go."""
        return [
            Route(adjustments_page_of("{program}", "{period}"), self.adjustments),
            Route(_propose("{program}", "{period}"), self.propose, methods=["POST"]),
            Route(_approve("{program}", "{period}"), self.approve, methods=["POST"]),
        ]

    def adjustments(self, request: Request) -> Response:
        """The adjustments by hand of a period: what waits, what its approval would change, and a new one."""
        found = self._frame.asked(request)
        if isinstance(found, Response):
            return found
        loaded, period = found
        program, now = loaded.program, _now()
        shows: list[dict[str, Any]] = []
        try:
            rows = self._landed(loaded)
            for row in in_force(of_period(rows, period)).values():
                lines = None
                if not row.decides.counts:
                    yes = if_approved(row, "somebody else", now)
                    lines = previewed(self._frame.home, program, rows, yes).lines(row.currency)
                # The form gives the id back as it is: nothing of it is made visible for a reader.
                shows.append({"row": row, "id": escape(row.adjustment_id), "lines": lines})
        except (NotOne, Refused, Unreadable) as error:
            return self._frame.refusal(409, str(error))
        return self._frame.page(
            "adjustments.html",
            title=f"{program.program}: adjustments of {period}",
            period=period,
            period_page=page_of(program.program, period),
            adjustments=shows,
            fields=_ASKED,
            propose=self._frame.target(_propose(program.program, period)),
            approve=self._frame.target(_approve(program.program, period)),
        )

    def _landed(self, loaded: LoadedProgram) -> list[Row]:
        """The rows of adjustments in the landing folder; Refused where it is not known or not there."""
        landing = self._frame.home.registrations()[loaded.program.program].landing
        try:
            if landing is not None:
                return landed(loaded, landing)
        except NotReachable as error:
            raise Refused(str(error)) from None
        except NotADirectoryError:
            pass
        raise Refused(
            f"the landing directory {landing or ''} is not there; run a period with the one to use"
        )

    async def propose(self, request: Request) -> Response:
        """Launches a proposal, in the visitor's name; none where it would be refused."""

        def launch(loaded: LoadedProgram, period: str, by: str, fields: Fields) -> str:
            asked = {key: fields.get(key, "").strip() for key, *_ in _ASKED}
            cells = {"adjustment_id": "", **asked, "period": period}
            _demand(lambda: proposed(loaded, self._landed(loaded), cells, by, _now()))
            config = {"ops": {PROPOSE_OP: {"config": {**asked, "by": by}}}}
            return self._frame.start(PROPOSE_JOB, config, loaded, period, by)

        return await self._frame.launched(request, launch)

    async def approve(self, request: Request) -> Response:
        """Launches the approval of the row that was looked at; none where it would be refused."""

        def launch(loaded: LoadedProgram, period: str, by: str, fields: Fields) -> str:
            which, seen = fields.get("adjustment_id", ""), fields.get("seen", "")
            if not seen:
                raise NotLaunched("this form does not say what was looked at; open the page again")
            _demand(
                lambda: approved(of_period(self._landed(loaded), period), which, by, _now(), seen)
            )
            asked = {"adjustment_id": which, "approver": by, "yes": True, "seen": seen}
            config = {"ops": {APPROVE_OP: {"config": asked}}}
            return self._frame.start(APPROVE_JOB, config, loaded, period, by)

        return await self._frame.launched(request, launch)


def _now() -> datetime:
    return datetime.now(UTC)


def _propose(program: str, period: str) -> str:
    return f"{adjustments_page_of(program, period)}/propose"


def _approve(program: str, period: str) -> str:
    return f"{adjustments_page_of(program, period)}/approve"


def _demand(made: Callable[[], object]) -> None:
    """Does what the job would do, and throws it away; NotLaunched with what stands against it."""
    try:
        made()
    except (NotOne, Refused) as error:
        raise NotLaunched(str(error)) from None
