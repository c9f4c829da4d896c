"""The definitions that `workspace.yaml` names, over the home of BONUS_HOME, by the engine of BONUS_ENGINE.

Nothing else imports this.
"""

import os
from pathlib import Path

from orchestration.dagster_glue.definitions import build_definitions
from orchestration.dagster_glue.resources import HomeResource

defs = build_definitions(
    HomeResource(
        path=str(Path(os.environ.get("BONUS_HOME", "bonus-home")).absolute()),
        engine=os.environ.get("BONUS_ENGINE") or "duckdb",
    )
)
