"""The pages about periods, written after what they tell of has happened: for Dagster's steps.

A page can be made again at any time, so nothing that happens to it fails a run: what went wrong is
logged, with the command that writes the page.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import dagster as dg

from orchestration.pipeline.home import Home

PERIOD_PAGES: Final = "/bonus/periods"
"""What `bonus ui` serves beside Dagster, on the same origin."""

Report = dict[str, dg.MetadataValue]


def reports_of(
    context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext | dg.OpExecutionContext,
    home: Home,
    program: str,
    periods: Iterable[str],
) -> dict[str, Report]:
    """Writes the pages of published periods into the home; each one's metadata, {} if that failed."""
    from orchestration.reports.write import write_reports

    try:
        paths = write_reports(home, program, periods)
    except Exception as error:
        context.log.warning(
            f"no report was written ({type(error).__name__}: {error}); everything else is done."
            " Write it with: bonus report PERIOD"
        )
        return {}
    return {
        key: {
            "report": dg.MetadataValue.path(path),
            "period_page": dg.MetadataValue.url(page_of(program, key)),
        }
        for key, path in paths.items()
    }


def page_of(program: str, period: str) -> str:
    """The address of our own page of a period in `bonus ui`: its gates with rows, and its close."""
    return f"{PERIOD_PAGES}/{program}/{period}"


def gates_of(program: str, period: str) -> str:
    """The place on it where the gates of the last run stand, with the rows of a red one."""
    return f"{page_of(program, period)}#gates"


def adjustments_page_of(program: str, period: str) -> str:
    """The address of our own page of a period's adjustments by hand."""
    return f"{page_of(program, period)}/adjustments"
