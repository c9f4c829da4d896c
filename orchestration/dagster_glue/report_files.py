"""The pages about periods, written after what they tell of has happened: for Dagster's steps.

A page can be made again at any time, so nothing that happens to it fails a run: what went wrong is
logged, with the command that writes the page.
"""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg

from orchestration.pipeline.home import Home

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
    return {key: {"report": dg.MetadataValue.path(path)} for key, path in paths.items()}
