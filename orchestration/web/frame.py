"""The frame of our own pages: templates, who is looking, forms with their tokens, launches.

Each change that a form asks for is a Dagster run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from orchestration.dagster_glue.partitions import partition_key
from orchestration.dagster_glue.resources import BY_TAG
from orchestration.pipeline.home import Home
from orchestration.reports.page import pages_environment
from orchestration.terms.load import LoadedProgram, ProgramFileError, load_program
from orchestration.terms.people import MOST_OF_A_NAME, is_person, what_is_wrong
from orchestration.web.door import OWN_PAGES, USER
from orchestration.web.launching import Launch, NotLaunched
from orchestration.web.visitor import COOKIE, KEPT_SECONDS, SAID, Visitors

MOST_OF_A_FORM_BYTES: Final = 16 * 1024
POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; form-action 'self';"
    " base-uri 'none'"
)
"""What a page of ours may load: nothing but its own styles and pictures."""

NAME_FORM: Final = f"{OWN_PAGES}/name"

Fields = Mapping[str, str]
"""The fields of a form, without its token."""

Begin = Callable[[LoadedProgram, str, str, Fields], str]
"""(program, period, by whom, fields) -> the page to go to. Raises NotLaunched. "" is no period."""


class Frame:
    """A home, who looks at its pages, and a way to launch runs."""

    def __init__(self, home: Home, visitors: Visitors, launch: Launch) -> None:
        self.home = home
        self._visitors = visitors
        self._launch = launch
        self._templates = pages_environment(Path(__file__).parent / "templates")

    def target(self, path: str) -> dict[str, str]:
        """The address of a form, with the token that it has to bring along."""
        return {"path": path, "token": self._visitors.token(path)}

    def start(
        self, job: str, config: Mapping[str, Any], loaded: LoadedProgram, period: str, by: str
    ) -> str:
        """Launches a job over a period, tagged as the command line tags it; gives the run's page."""
        program = loaded.program.program
        tags = {BY_TAG: by, "program": program, "period": period}
        return f"/runs/{self._launch(job, partition_key(program, period), config, tags)}"

    async def launched(self, request: Request, launch: Begin) -> Response:
        """Does what a form asks for, and goes to its run; who is not logged in has to say a name."""
        fields = await self.form(request)
        if isinstance(fields, Response):
            return fields
        found = self.asked(request)
        if isinstance(found, Response):
            return found
        # A form stands on the page above its own address.
        back = request.url.path.rpartition("/")[0] if found[1] else OWN_PAGES
        by = USER.get() or fields.get("name", "").strip()
        if not is_person(by):
            return self.refusal(400, f"Say who you are: {what_is_wrong(by)}.", back)
        try:
            there = await run_in_threadpool(launch, *found, by, fields)
        except NotLaunched as error:
            return self.refusal(409, str(error), back)
        answer = RedirectResponse(there, 303)
        if USER.get() is None:
            self.keep(answer, by)
        return answer

    def asked(self, request: Request) -> tuple[LoadedProgram, str] | Response:
        """The program and the period that an address names; a refusal where there is none such.

        "" where the address is of a program, and names no period.
        """
        program, period = request.path_params["program"], request.path_params.get("period", "")
        registration = self.home.registrations().get(program)
        if registration is None:
            return self.nothing(request)
        try:
            loaded = load_program(registration.program_file)
        except (ProgramFileError, OSError) as error:
            return self.refusal(409, f"The program file cannot be used: {error}")
        if period and period not in [entry.key for entry in loaded.program.periods]:
            return self.nothing(request)
        return loaded, period

    def keep(self, answer: Response, said: str) -> None:
        """Keeps in the browser what somebody calls himself."""
        answer.set_cookie(
            COOKIE, self._visitors.cookie(said), max_age=KEPT_SECONDS, httponly=True, samesite="lax"
        )

    async def form(self, request: Request) -> dict[str, str] | Response:
        """The fields of a form of ours; a refusal where it does not bring its token along."""
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > MOST_OF_A_FORM_BYTES:
                return self.refusal(413, "This form is too long.")
        fields = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        if self._visitors.is_token(request.url.path, fields.pop("token", "")):
            return fields
        return self.refusal(403, "This form is not of this page. Open the page again.")

    def nothing(self, request: Request) -> Response:
        """There is no such page."""
        return self.refusal(404, "There is no such page.")

    def refusal(self, status: int, text: str, back: str | None = None) -> Response:
        """The page of what was not done, a reason a line; with a way back to the page that asked for it."""
        return self.page("refusal.html", status, title="Not done", text=text, back=back)

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page of a template, with who is looking at it on top."""
        visitor: Mapping[str, Any] = {
            "name": USER.get() or SAID.get(),
            "is_logged_in": USER.get() is not None,
            "longest_name": MOST_OF_A_NAME,
            "name_form": NAME_FORM,
            "name_token": self._visitors.token(NAME_FORM),
        }
        html = self._templates.get_template(template).render(
            **values, visitor=visitor, home=OWN_PAGES
        )
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
        return HTMLResponse(html, status, headers)
