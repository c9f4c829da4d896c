"""Our own pages, below /bonus: HTML from the server, readable without scripts, under the same door.

To add one: a method that gives a `_page` of a template, and a line in `routes`. What changes
something is a form with `token`, which `_form` demands; each change is a Dagster run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, quote

import jinja2
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from orchestration import reports
from orchestration.dagster_glue.jobs import CLOSE_OP, PERIOD_JOB
from orchestration.dagster_glue.partitions import partition_key
from orchestration.dagster_glue.report_files import page_of
from orchestration.dagster_glue.resources import BY_TAG, CLOSE_JOB
from orchestration.foundations.texts import shown
from orchestration.pipeline.changed_inputs import NOTHING, Changed
from orchestration.pipeline.home import Home
from orchestration.pipeline.refusals import Refused
from orchestration.pipeline.run_state import last_run
from orchestration.records import Unreadable
from orchestration.terms.load import LoadedProgram, ProgramFileError, load_program
from orchestration.terms.people import MOST_OF_A_NAME, is_person, what_is_wrong
from orchestration.terms.values import Unfit, name
from orchestration.web.door import OWN_PAGES, USER
from orchestration.web.launching import Launch, NotLaunched
from orchestration.web.service import LOCATION
from orchestration.web.visitor import COOKIE, KEPT_SECONDS, SAID, Visitors

MOST_OF_A_FORM_BYTES: Final = 16 * 1024
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; form-action 'self';"
    " base-uri 'none'"
)
_NAME_FORM = f"{OWN_PAGES}/name"
_REPORTS = f"{OWN_PAGES}/reports"


class Pages:
    """The pages over one home."""

    def __init__(self, home: Home, visitors: Visitors, launch: Launch) -> None:
        self._home = home
        self._visitors = visitors
        self._launch = launch
        self._templates = _environment()

    def routes(self) -> list[Route]:
        """All of them; what is none is told so, and never reaches Dagster."""
        return [
            Route(OWN_PAGES, self.periods),
            Route(_NAME_FORM, self.say_name, methods=["POST"]),
            Route(f"{_REPORTS}/{{program}}/{{page}}", self.report),
            Route(page_of("{program}", "{period}"), self.period),
            Route(page_of("{program}", "{period}/run"), self.run, methods=["POST"]),
            Route(page_of("{program}", "{period}/close"), self.close, methods=["POST"]),
            Route(f"{OWN_PAGES}/{{rest:path}}", self.nothing),
        ]

    def periods(self, request: Request) -> Response:
        """The programs of the home, their periods and state, with links to runs and reports."""
        programs = [self._program(name, row) for name, row in self._home.registrations().items()]
        return self._page("periods.html", title="Periods", programs=programs, location=LOCATION)

    def period(self, request: Request) -> Response:
        """A period before its close: what a close would fix, what stands against it, and its gates."""
        found = self._asked(request)
        if isinstance(found, Response):
            return found
        try:
            return self._page("period.html", **self._shown(*found))
        except (Refused, Unreadable) as error:
            return self._refusal(409, str(error))

    def _shown(self, loaded: LoadedProgram, period: str) -> dict[str, Any]:
        """What the page of a period shows; Refused or Unreadable where the home is not in order."""
        from orchestration.pipeline.closing import later_run
        from orchestration.reports.preview import close_preview
        from orchestration.reports.run_sections import gates_section

        program = loaded.program.program
        publication = self._home.store(program).published().get(period)
        last = last_run(self._home, program, period)
        path = page_of(program, period)
        return {
            "title": f"{program}: {period}",
            "period": period,
            "is_closed": publication is not None and publication.seal is not None,
            "preview": close_preview(self._home, loaded, period),
            "later_run": later_run(
                self._home, program, period, publication.record() if publication else None
            ),
            "last": last,
            "gates": gates_section(last.gates, "What each gate of the last run found")
            if last
            else None,
            "report": self._report_of(program, period),
            "forms": {
                name: {"path": f"{path}/{name}", "token": self._visitors.token(f"{path}/{name}")}
                for name in ("run", "close")
            },
        }

    async def run(self, request: Request) -> Response:
        """Launches a run of a period, in the visitor's name."""

        def launch(loaded: LoadedProgram, period: str, by: str) -> str:
            return self._start(PERIOD_JOB, {}, loaded, period, by)

        return await self._launched(request, launch)

    async def close(self, request: Request) -> Response:
        """Launches the close of a period, in the visitor's name; none where it would be refused."""
        from orchestration.pipeline.closing import prospect

        def launch(loaded: LoadedProgram, period: str, by: str) -> str:
            if against := prospect(self._home, loaded, period, by).against:
                raise NotLaunched("\n".join(against))
            config = {"ops": {CLOSE_OP: {"config": {"approver": by}}}}
            return self._start(CLOSE_JOB, config, loaded, period, by)

        return await self._launched(request, launch)

    def _start(
        self, job: str, config: Mapping[str, Any], loaded: LoadedProgram, period: str, by: str
    ) -> str:
        """Launches a job over a period, tagged as the command line tags it; gives the run's id."""
        program = loaded.program.program
        tags = {BY_TAG: by, "program": program, "period": period}
        return self._launch(job, partition_key(program, period), config, tags)

    async def _launched(
        self, request: Request, launch: Callable[[LoadedProgram, str, str], str]
    ) -> Response:
        """The page of the run that a form has launched; who is not logged in has to say a name."""
        fields = await self._form(request)
        if isinstance(fields, Response):
            return fields
        found = self._asked(request)
        if isinstance(found, Response):
            return found
        by = USER.get() or fields.get("name", "").strip()
        if not is_person(by):
            return self._refusal(400, f"Say who you are: {what_is_wrong(by)}.")
        try:
            run_id = await run_in_threadpool(launch, *found, by)
        except NotLaunched as error:
            return self._refusal(409, str(error))
        answer = RedirectResponse(f"/runs/{run_id}", 303)
        if USER.get() is None:
            self._keep(answer, by)
        return answer

    def _asked(self, request: Request) -> tuple[LoadedProgram, str] | Response:
        """The program and the period that an address names; a refusal where there is none such."""
        program, period = request.path_params["program"], request.path_params["period"]
        registration = self._home.registrations().get(program)
        if registration is None:
            return self.nothing(request)
        try:
            loaded = load_program(registration.program_file)
        except (ProgramFileError, OSError) as error:
            return self._refusal(409, f"The program file cannot be used: {error}")
        if period not in [entry.key for entry in loaded.program.periods]:
            return self.nothing(request)
        return loaded, period

    def _keep(self, answer: Response, said: str) -> None:
        """Keeps in the browser what somebody calls himself."""
        answer.set_cookie(
            COOKIE, self._visitors.cookie(said), max_age=KEPT_SECONDS, httponly=True, samesite="lax"
        )

    async def say_name(self, request: Request) -> Response:
        """Keeps in the browser what somebody calls himself."""
        fields = await self._form(request)
        if isinstance(fields, Response):
            return fields
        said = fields.get("name", "").strip()
        if not is_person(said):
            return self._refusal(
                400, f"expected a name of 1 to {MOST_OF_A_NAME} printable characters"
            )
        answer = RedirectResponse(OWN_PAGES, 303)
        self._keep(answer, said)
        return answer

    def report(self, request: Request) -> Response:
        """A page of the home's reports, as it was written at the last publish or close."""
        from orchestration.reports.write import OVERVIEW, page_name, reports_folder

        program = request.path_params["program"].removeprefix("program=")
        page = request.path_params["page"]
        try:
            # Nothing but names of programs and periods becomes a path.
            folder = reports_folder(self._home, name(program))
            if page != OVERVIEW:
                page = page_name(name(page.removeprefix("period=").removesuffix(".html")))
        except Unfit:
            return self.nothing(request)
        path = folder / page
        if path.is_symlink() or not path.is_file():
            return self._refusal(404, "This report is not written yet. Write it with: bonus report")
        return FileResponse(
            path,
            media_type="text/html",
            headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"},
        )

    def nothing(self, request: Request) -> Response:
        """There is no such page."""
        return self._refusal(404, "There is no such page.")

    def _program(self, program: str, registration: Any) -> dict[str, Any]:
        from orchestration.dagster_glue.period_states import period_states
        from orchestration.reports.write import OVERVIEW, reports_folder

        folder = reports_folder(self._home, program)
        base = f"{_REPORTS}/program={program}"
        shows: dict[str, Any] = {"program": program, "fault": None, "periods": [], "overview": None}
        if (folder / OVERVIEW).is_file():
            shows["overview"] = f"{base}/{OVERVIEW}"
        try:
            loaded = load_program(registration.program_file)
        except (ProgramFileError, OSError) as error:
            return {**shows, "fault": str(error)}
        for state in period_states(self._home, loaded):
            report = self._report_of(program, state["period"])
            changed = Changed.of_json(state["changed"]) if state["changed"] else NOTHING
            said = "" if state["state"] == "closed" else changed.said
            page = page_of(program, state["period"])
            shows["periods"].append({**state, "report": report, "changed_said": said, "page": page})
        return shows

    def _report_of(self, program: str, period: str) -> str | None:
        """The address of a period's report; None where it is not written."""
        from orchestration.reports.write import page_name, reports_folder

        page = page_name(period)
        if not (reports_folder(self._home, program) / page).is_file():
            return None
        return f"{_REPORTS}/program={program}/{quote(page, safe='=')}"

    async def _form(self, request: Request) -> dict[str, str] | Response:
        """The fields of a form of ours; a refusal where it does not bring its token along."""
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > MOST_OF_A_FORM_BYTES:
                return self._refusal(413, "This form is too long.")
        fields = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        if self._visitors.is_token(request.url.path, fields.pop("token", "")):
            return fields
        return self._refusal(403, "This form is not of this page. Open the page again.")

    def _refusal(self, status: int, text: str) -> Response:
        return self._page("refusal.html", status, title="Not done", text=text)

    def _page(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page of a template, with who is looking at it on top."""
        visitor: Mapping[str, Any] = {
            "name": USER.get() or SAID.get(),
            "is_logged_in": USER.get() is not None,
            "longest_name": MOST_OF_A_NAME,
            "name_form": _NAME_FORM,
            "name_token": self._visitors.token(_NAME_FORM),
        }
        html = self._templates.get_template(template).render(
            **values, visitor=visitor, home=OWN_PAGES
        )
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}
        return HTMLResponse(html, status, headers)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # They look as the reports do.
    style = Path(reports.__path__[0]) / "templates" / "page.css"
    environment.globals["style"] = Markup(style.read_text(encoding="utf-8"))  # noqa: S704 - our own file
    return environment


def _printable(value: Any) -> Any:
    """Control and direction characters of names and messages, made visible."""
    return shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value
