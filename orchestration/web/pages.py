"""Our own pages, below /bonus: HTML from the server, readable without scripts, under the same door.

To add one: a method that gives a `page` of a template, and a line in `routes`. What changes
something is a form with its `target`, which `form` demands; each change is a Dagster run.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import partial
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from orchestration.dagster_glue.jobs import CLOSE_OP, PERIOD_JOB
from orchestration.dagster_glue.origin import LOCATION
from orchestration.dagster_glue.report_files import adjustments_page_of, page_of
from orchestration.dagster_glue.resources import CLOSE_JOB
from orchestration.pipeline.changed_inputs import NOTHING, Changed
from orchestration.pipeline.refusals import Refused
from orchestration.pipeline.run_state import last_run
from orchestration.records import Unreadable
from orchestration.terms.load import LoadedProgram, ProgramFileError, load_program
from orchestration.terms.model import Period
from orchestration.terms.people import MOST_OF_A_NAME, is_person
from orchestration.terms.values import Unfit, name
from orchestration.web.adjustment_pages import AdjustmentPages
from orchestration.web.creator_page import CreatorPage, creator_page_of, creators_page_of
from orchestration.web.door import OWN_PAGES
from orchestration.web.frame import NAME_FORM, POLICY, Fields, Frame
from orchestration.web.launching import NotLaunched

_REPORTS = f"{OWN_PAGES}/reports"


_RUN = "run-"
"""Before the key of a period in the name of its box."""


def _run_several(program: str) -> str:
    return f"{OWN_PAGES}/programs/{program}/run"


class Pages:
    """The pages over one home."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[Route]:
        """All of them; what is none is told so, and never reaches Dagster."""
        return [
            Route(OWN_PAGES, self.periods),
            Route(NAME_FORM, self.say_name, methods=["POST"]),
            Route(f"{_REPORTS}/{{program}}/{{page}}", self.report),
            Route(page_of("{program}", "{period}"), self.period),
            Route(page_of("{program}", "{period}/run"), self.run, methods=["POST"]),
            Route(page_of("{program}", "{period}/close"), self.close, methods=["POST"]),
            Route(_run_several("{program}"), self.run_several, methods=["POST"]),
            *AdjustmentPages(self._frame).routes(),
            *CreatorPage(self._frame).routes(),
            Route(f"{OWN_PAGES}/{{rest:path}}", self._frame.nothing),
        ]

    def periods(self, request: Request) -> Response:
        """The programs of the home, their periods and state, with links to runs and reports."""
        programs = [
            self._program(name, row) for name, row in self._frame.home.registrations().items()
        ]
        return self._frame.page(
            "periods.html", title="Periods", programs=programs, location=LOCATION
        )

    def period(self, request: Request) -> Response:
        """A period before its close: what a close would fix, what stands against it, and its gates."""
        found = self._frame.asked(request)
        if isinstance(found, Response):
            return found
        try:
            return self._frame.page("period.html", **self._shown(*found))
        except (Refused, Unreadable) as error:
            return self._frame.refusal(409, str(error))

    def _shown(self, loaded: LoadedProgram, period: str) -> dict[str, Any]:
        """The content of a period's page; Refused or Unreadable where the home is not in order."""
        from orchestration.dagster_glue.period_states import said_of_unended, unended_run
        from orchestration.pipeline.later_runs import is_under_way, later_run
        from orchestration.reports.money_sections import top_table
        from orchestration.reports.preview import close_preview
        from orchestration.reports.run_sections import gates_section
        from orchestration.reports.text import instant

        program = loaded.program.program
        # Asked first: what has ended since is then shown as it has left things.
        unended = unended_run(self._frame.home, program, period)
        publication = self._frame.home.store(program).published().get(period)
        closed = publication.closed if publication else None
        last = last_run(self._frame.home, program, period)
        path = page_of(program, period)
        record = publication.record() if publication else None
        preview = close_preview(self._frame.home, loaded, period)
        blocked = later_run(self._frame.home, program, period, record)
        return {
            "title": f"{program}: {period}",
            "period": period,
            "beside": [(key, page_of(program, key)) for key in _beside(loaded, period)],
            "location": LOCATION,
            "closed": closed,
            "closed_at": closed and instant(closed.closed_at),
            "preview": preview,
            "options": self._frame.home.options(program),
            "later_run": blocked and f"{blocked[:1].upper()}{blocked[1:]}.",
            "unended": unended,
            "unended_said": unended and said_of_unended(unended),
            "is_under_way": unended is not None
            or (last is not None and is_under_way(self._frame.home, last)),
            "to_do": None if blocked else _to_run(_entry(loaded, period).closes_on, _today()),
            "last": last,
            "gates": gates_section(last.gates, "What each gate of the last run found")
            if last
            else None,
            "report": self._report_of(program, period),
            "creators": creators_page_of(program, period),
            "top": preview
            and top_table(preview.figures, partial(creator_page_of, program, period)),
            "adjustments_page": adjustments_page_of(program, period),
            "forms": {name: self._frame.target(f"{path}/{name}") for name in ("run", "close")},
        }

    async def run(self, request: Request) -> Response:
        """Launches a run of a period, in the visitor's name."""

        def launch(loaded: LoadedProgram, period: str, by: str, fields: Fields) -> str:
            return self._frame.start(PERIOD_JOB, {}, loaded, period, by)

        return await self._frame.launched(request, launch)

    async def run_several(self, request: Request) -> Response:
        """Launches a run of each period that is chosen, in their order, in the visitor's name."""

        def launch(loaded: LoadedProgram, _: str, by: str, fields: Fields) -> str:
            chosen = [
                entry.key for entry in loaded.program.periods if f"{_RUN}{entry.key}" in fields
            ]
            if not chosen:
                raise NotLaunched("No period is chosen: tick one or more in the table of periods.")
            pages = [self._frame.start(PERIOD_JOB, {}, loaded, period, by) for period in chosen]
            return pages[0] if len(pages) == 1 else "/runs"

        return await self._frame.launched(request, launch)

    async def close(self, request: Request) -> Response:
        """Launches the close of what was looked at, in the visitor's name; none where it would be refused."""
        from orchestration.pipeline.closing import prospect

        def launch(loaded: LoadedProgram, period: str, by: str, fields: Fields) -> str:
            said = fields.get("seen", "")
            if not re.fullmatch("[0-9]{1,9}", said):
                raise NotLaunched("this form does not say what was looked at; open the page again")
            seen = int(said)
            if against := prospect(self._frame.home, loaded, period, by, seen=seen).against:
                raise NotLaunched("\n".join(against))
            config = {"ops": {CLOSE_OP: {"config": {"approver": by, "seen": seen}}}}
            return self._frame.start(CLOSE_JOB, config, loaded, period, by)

        return await self._frame.launched(request, launch)

    async def say_name(self, request: Request) -> Response:
        """Keeps in the browser what somebody calls himself."""
        fields = await self._frame.form(request)
        if isinstance(fields, Response):
            return fields
        said = fields.get("name", "").strip()
        if not is_person(said):
            return self._frame.refusal(
                400, f"expected a name of 1 to {MOST_OF_A_NAME} printable characters"
            )
        answer = RedirectResponse(OWN_PAGES, 303)
        self._frame.keep(answer, said)
        return answer

    def report(self, request: Request) -> Response:
        """A page of the home's reports, as it was written at the last publish or close."""
        from orchestration.reports.write import OVERVIEW, page_name, reports_folder

        program = request.path_params["program"].removeprefix("program=")
        page = request.path_params["page"]
        try:
            # Nothing but names of programs and periods becomes a path.
            folder = reports_folder(self._frame.home, name(program))
            if page != OVERVIEW:
                page = page_name(name(page.removeprefix("period=").removesuffix(".html")))
        except Unfit:
            return self._frame.nothing(request)
        path = folder / page
        if path.is_symlink() or not path.is_file():
            return self._frame.refusal(
                404, "This report is not written yet. Write it with: bonus report"
            )
        return FileResponse(
            path,
            media_type="text/html",
            headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"},
        )

    def _program(self, program: str, registration: Any) -> dict[str, Any]:
        from orchestration.dagster_glue.period_states import period_states
        from orchestration.reports.write import OVERVIEW, reports_folder

        folder = reports_folder(self._frame.home, program)
        base = f"{_REPORTS}/program={program}"
        run = self._frame.target(_run_several(program))
        shows: dict[str, Any] = {
            "program": program,
            "fault": None,
            "periods": [],
            "overview": None,
            "run": run,
        }
        if (folder / OVERVIEW).is_file():
            shows["overview"] = f"{base}/{OVERVIEW}"
        try:
            loaded = load_program(registration.program_file)
        except (ProgramFileError, OSError) as error:
            return {**shows, "fault": str(error)}
        from orchestration.dagster_glue.period_states import said_of_unended
        from orchestration.pipeline.later_runs import fate

        states = period_states(self._frame.home, loaded)
        before = None  # the period before, if it is to be closed first
        for state in states:
            report = self._report_of(program, state["period"])
            changed = Changed.of_json(state["changed"]) if state["changed"] else NOTHING
            said = "" if state["state"] == "closed" else changed.said
            page = page_of(program, state["period"])
            last = last_run(self._frame.home, program, state["period"])
            blocked = state["later_run"] and last and f"the last run {fate(self._frame.home, last)}"
            shows["periods"].append(
                {
                    **state,
                    "later_run": blocked or state["later_run"],
                    "unended": state["last_run"] and said_of_unended(state["last_run"]),
                    "next": _next(state, before, _today()),
                    "report": report,
                    "changed_said": said,
                    "page": page,
                }
            )
            before = None if state["state"] == "closed" else state["period"]
        return shows

    def _report_of(self, program: str, period: str) -> str | None:
        """The address of a period's report; None where it is not written."""
        from orchestration.reports.write import page_name, reports_folder

        page = page_name(period)
        if not (reports_folder(self._frame.home, program) / page).is_file():
            return None
        return f"{_REPORTS}/program={program}/{quote(page, safe='=')}"


def _today() -> date:
    return datetime.now(UTC).date()


def _entry(loaded: LoadedProgram, period: str) -> Period:
    return next(entry for entry in loaded.program.periods if entry.key == period)


def _beside(loaded: LoadedProgram, period: str) -> list[str]:
    """The periods before and after one, in the program's order."""
    order = [entry.key for entry in loaded.program.periods]
    at = order.index(period)
    return [*order[max(at - 1, 0) : at], *order[at + 1 : at + 2]]


def _next(state: dict[str, Any], before: str | None, today: date) -> str:
    """The next step of a period that is not closed, where no run of it waits; `before` is closed first."""
    closes_on = date.fromisoformat(state["closes_on"])
    if state["state"] == "not published":
        return _to_run(closes_on, today)
    after = [f"after {before}"] if before else []
    from_day = [f"from {closes_on} on"] if today < closes_on else []
    return f"can be closed {' and '.join(after + from_day) or 'now'}"


def _to_run(closes_on: date, today: date) -> str:
    """The next step of a period of which nothing is published."""
    return "it is over: run it" if today >= closes_on else f"it closes on {closes_on}"
