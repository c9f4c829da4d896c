"""The commands for payees: how each number came about, and statements that can be checked."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from orchestration.command_line.edge import (
    HOME_DEFAULT,
    USAGE,
    HomeOption,
    JsonOption,
    LandingOption,
    ProgramOption,
    demand_period,
    fail,
    loaded_program,
    prepared_home,
    show,
    show_json,
    writing_to,
)

StatementLanguage = Literal["en", "ja", "ko", "fr"]


def explain(
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="A published period.")],
    creator: Annotated[str, typer.Argument(metavar="CREATOR", help="The creator's id.")],
    program: ProgramOption = None,
    landing: LandingOption = None,
    home: HomeOption = HOME_DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Say every step from a creator's counts to its payout, and why posts were left out.

    From what is published alone; the landing data may be gone.

    Example: bonus explain 2024-04 star-us
    """
    loaded = loaded_program(program)
    demand_period(loaded, period)
    place = prepared_home(home, is_written=False)
    from orchestration.explain.reading import NoLedgerRow, explain_creator

    try:
        explanation = explain_creator(place, loaded.program, period, creator)
    except NoLedgerRow:
        fail(USAGE, f"{creator!r} has no row in the ledger of {period}; check the id")
    if as_json:
        show_json(explanation.to_json())
    else:
        from orchestration.explain.page import page

        show(page(explanation))


def statement(
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="A published period.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to write the files.")],
    creator: Annotated[
        list[str] | None,
        typer.Option("--creator", metavar="ID", help="Only this creator; may be given again."),
    ] = None,
    language: Annotated[
        StatementLanguage | None,
        typer.Option("--language", help="Of all pages; left out, that of the creator's market."),
    ] = None,
    pdf: Annotated[
        bool,
        typer.Option(
            "--pdf", help="A PDF beside each page; needs pip install 'creator-bonus[pdf]'."
        ),
    ] = False,
    program: ProgramOption = None,
    landing: LandingOption = None,
    home: HomeOption = HOME_DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Write a statement a creator: a page in its language, and what of it is proved.

    A command that was stopped goes on where it ended, when it is given again.

    Example: bonus statement 2024-04 --out statements/2024-04

    Example: bonus statement 2024-04 --out star-us --creator star-us --language fr
    """
    loaded = loaded_program(program)
    demand_period(loaded, period)
    place = prepared_home(home, keeps_mask=True)
    from orchestration.command_line.console import Console
    from orchestration.reports.text import counted
    from orchestration.statements.pdf import NoPdf
    from orchestration.statements.write import UnknownCreators, write_statements

    try:
        with writing_to(out), Console(quiet=as_json).progress(period) as progress:
            written = write_statements(
                *(place, loaded.program, period, out),
                creators=creator or (),
                language=language,
                as_pdf=pdf,
                tell=progress,
            )
    except UnknownCreators as error:
        fail(USAGE, f"no row in the ledger of {period}: {error}; check the ids")
    except NoPdf as error:
        fail(USAGE, str(error))
    if as_json:
        show_json(asdict(written))
    else:
        show(
            f"{out}: {counted(written.statements, 'statement')}, {written.made:,} of them made now;"
            f" {written.state}, root {written.root}"
        )
