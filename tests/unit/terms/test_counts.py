"""The one list of counts: Python's, dbt's, the program file's weights and the landing dataset."""

from __future__ import annotations

import re

from orchestration.ingest.datasets import BY_NAME
from orchestration.publishing.tables import CONTRACT_TABLES, PUBLISHED_TABLES
from orchestration.terms.counts import ALL_COUNTS, COUNTS, INCREMENTS
from orchestration.terms.model import Weights
from tests import contract
from tests.conftest import ROOT


def test_they_are_those_of_the_contract() -> None:
    assert contract.COUNTS == COUNTS
    assert contract.SCORED_COUNTS == INCREMENTS


def test_a_program_file_weighs_exactly_these() -> None:
    assert tuple(Weights.model_fields) == COUNTS


def test_a_snapshot_reports_exactly_these_and_ineligible_views() -> None:
    reported = [name for name in BY_NAME["post_metrics"].column_names if name in COUNTS]
    others = {"post_id", "observed_at", "ineligible_views", "delivered_at"}
    assert tuple(reported) == COUNTS
    assert set(BY_NAME["post_metrics"].column_names) == {*COUNTS, *others}


def test_views_are_scored_without_ineligible_ones() -> None:
    """§3, §9: what is published of a post and of a segment, in the order of the contract."""
    for table in (CONTRACT_TABLES["post_scores"], PUBLISHED_TABLES["post_increments"]):
        assert tuple(name for name in table.columns if name in INCREMENTS) == INCREMENTS


def test_the_models_have_the_same_list() -> None:
    macros = (ROOT / "dbt_project/macros/counts.sql").read_text(encoding="utf-8")
    (listed,) = re.findall(r"return\(\[(.*)\]\)", macros)
    assert tuple(listed.replace("'", "").split(", ")) == COUNTS
    assert "'qualified_views' if count == 'views' else count" in macros


def test_each_has_a_letter_of_its_own_in_an_expression() -> None:
    assert len({count.letter for count in ALL_COUNTS}) == len(COUNTS)
    assert all(len(count.letter) == 1 for count in ALL_COUNTS)
