"""Statements as files, for the job of the UI: what it wrote becomes metadata of the published period."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import dagster as dg

from orchestration.dagster_glue.assets.ledger import PUBLISHED
from orchestration.dagster_glue.failures import not_writable
from orchestration.pipeline.home import Home
from orchestration.pipeline.refusals import Refused
from orchestration.terms.load import LoadedProgram


def statements_of(
    context: dg.OpExecutionContext,
    home: Home,
    loaded: LoadedProgram,
    period: str,
    out: Path,
    languages: Sequence[str],
) -> None:
    """Writes the statements of a period into `out`, or into a folder of it for each of `languages`.

    Refused for a folder or language that cannot be, and where `bonus statement` ends with status 4.
    """
    from orchestration.statements.languages import LANGUAGES
    from orchestration.statements.write import write_statements

    if unknown := [name for name in languages if name not in LANGUAGES]:
        raise Refused(f"no language {', '.join(unknown)}; there are {', '.join(LANGUAGES)}")
    chosen = [name for name in LANGUAGES if name in languages]
    for language in chosen or (None,):
        folder = out / (language or "")
        try:
            written = write_statements(
                *(home, loaded.program, period, folder), language=language, tell=context.log.info
            )
        except OSError as error:
            raise not_writable(folder, error) from error
        context.log_event(
            dg.AssetObservation(
                PUBLISHED,
                partition=context.partition_key,
                description=f"Statements in {language or 'the languages of the markets'}",
                metadata={
                    "statements": written.statements,
                    "folder": dg.MetadataValue.path(written.folder),
                    "root": written.root,
                },
            )
        )
