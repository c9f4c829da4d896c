"""The imports of a run: the fork server of `warm_runs.py` imports this module, and nobody else does."""

import gc

import great_expectations

import expectations.runner
import expectations.suites
import orchestration.reports.write
from orchestration.dagster_glue.served import defs
from orchestration.foundations.collector import collect_seldom
from orchestration.pipeline.dbt_runner import warm_up

__all__ = ["defs", "expectations", "great_expectations", "orchestration"]

collect_seldom()
warm_up()
defs.get_repository_def().load_all_definitions()
gc.freeze()  # what all runs share is not looked through by each of them, which would copy it
