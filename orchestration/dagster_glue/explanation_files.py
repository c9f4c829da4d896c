"""An explanation as files, for the job of the UI: what a creator is told stands in no log and no metadata."""

from __future__ import annotations

import json
from pathlib import Path

import dagster as dg

from orchestration.dagster_glue.assets.ledger import PUBLISHED
from orchestration.dagster_glue.failures import not_writable
from orchestration.foundations.files import folder_held, replace_file
from orchestration.pipeline.home import Home
from orchestration.pipeline.refusals import Refused
from orchestration.terms.load import LoadedProgram

_MODE = 0o600  # what people earn is for the owner of the home alone


def explanation_of(
    context: dg.OpExecutionContext,
    home: Home,
    loaded: LoadedProgram,
    period: str,
    creator_id: str,
    out: Path,
) -> None:
    """Explains a creator of a period into `out`: a page as text, and the object of §11 as JSON.

    Refused for a creator without a ledger row, for a folder that cannot be, and where `bonus explain`
    ends with status 4.
    """
    from orchestration.explain.page import page
    from orchestration.explain.reading import NoLedgerRow, explain_creator
    from orchestration.statements.write import name_of

    try:
        explanation = explain_creator(home, loaded.program, period, creator_id)
    except NoLedgerRow:
        raise Refused(f"the creator has no row in the ledger of {period}; check the id") from None
    text, told = (f"{name_of(creator_id)}{ending}" for ending in (".txt", ".json"))
    content = json.dumps(explanation.to_json(), ensure_ascii=False, indent=1)
    try:
        with folder_held(out, outside=home.apart()) as held:
            replace_file(held / text, f"{page(explanation)}\n".encode(), mode=_MODE)
            replace_file(held / told, f"{content}\n".encode(), mode=_MODE)
    except OSError as error:
        raise not_writable(out, error) from error
    context.log_event(
        dg.AssetObservation(
            PUBLISHED,
            partition=context.partition_key,
            description="A creator's numbers, explained",
            metadata={
                "page": dg.MetadataValue.path(out / text),
                "json": dg.MetadataValue.path(out / told),
            },
        )
    )
