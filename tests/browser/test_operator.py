"""What operators do in the Dagster UI, in the order in which they do it; takes the docs' pictures.

The tests build on each other's runs, as a day's work does: run them as one module.
"""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from orchestration.partitions import partition_key
from orchestration.stages.shown import GROUPS, group_name
from orchestration.terms.load import load_program
from tests.browser.conftest import Desk, picture
from tests.served_ui import wait_for

JOB = "/locations/creator-bonus/jobs/period"
RUN_SECONDS = 600


def _keys(desk: Desk) -> list[str]:
    program = load_program(desk.bonus.program).program
    return [partition_key(program.program, period.key) for period in program.periods]


def _choose(page: Page, *keys: str) -> Locator:
    """Opens the launch dialog and chooses partitions in it; returns the dialog."""
    page.get_by_role("button", name="Materialize all").click()
    dialog = page.get_by_role("dialog").filter(has_text="Launch runs").first
    dialog.get_by_text("Select a partition or create one").click()
    for key in keys:
        page.locator("[class*=MiddleTruncate]:visible").filter(has_text=key).first.click()
    page.keyboard.press("Escape")
    expect(dialog).to_contain_text(f"{len(keys)} partition")
    return dialog


def _wait_for_runs(desk: Desk, keys: list[str], status: str) -> None:
    """Waits until the latest run of each partition has ended, then wants `status` of it."""

    def latest() -> dict[str, str]:
        runs = {run["tags"].get("dagster/partition"): run["status"] for run in desk.ui.runs()[::-1]}
        found = {key: runs[key] for key in keys if key in runs}
        ended = len(found) == len(keys) and set(found.values()) <= {"SUCCESS", "FAILURE"}
        return found if ended else {}

    found = wait_for(f"runs of {keys} end", latest, RUN_SECONDS, desk.log)
    assert set(found.values()) == {status}


def test_a_period_is_triggered_from_the_dialog_and_turns_green(desk: Desk, page: Page) -> None:
    key = _keys(desk)[0]
    page.goto(JOB)
    dialog = _choose(page, key)
    picture(page, "launch-period")
    dialog.get_by_role("button", name="Launch 1 run").click()
    _wait_for_runs(desk, [key], "SUCCESS")
    for table in ("raw_posts", "stg_posts", "post_eligibility", "post_scores", "payout_ledger"):
        page.goto(f"/assets/{table}?view=partitions&partition={key}")
        expect(page.get_by_text("Materialized", exact=True).first).to_be_visible()
        page.goto(f"/assets/{table}?view=checks")
        expect(page.get_by_text("Passed", exact=True).first).to_be_visible()


def test_a_table_says_what_it_is_and_what_happened(desk: Desk, page: Page) -> None:
    key = _keys(desk)[0]
    page.goto("/assets/payout_ledger")
    expect(page.get_by_text("Grain: a creator and payout currency.")).to_be_visible()
    expect(
        page.get_by_text("ISO 4217 code of the currency the creator is paid in.")
    ).to_be_visible()
    page.goto(f"/assets/post_eligibility?view=partitions&partition={key}")
    expect(page.get_by_text("posts are eligible.")).to_be_visible()
    expect(page.get_by_text("BELOW_MINIMUM_VIEWS").first).to_be_visible()
    picture(page, "post-eligibility")


def test_lineage_leads_from_the_ledger_to_the_landing_data(page: Page) -> None:
    page.goto("/assets/payout_ledger?view=lineage&lineageScope=upstream&lineageDepth=1")
    expect(page.get_by_text("creator_earnings", exact=True).first).to_be_visible()
    picture(page, "lineage-of-the-ledger")
    page.goto("/assets/payout_ledger?view=lineage&lineageScope=upstream&lineageDepth=10")
    for table in ("payout_ledger", "creator_earnings", "creator_scores", "post_eligibility",
                  "int_posts", "stg_posts", "raw_posts"):  # fmt: skip
        expect(page.get_by_text(table, exact=True).first).to_be_attached()


def test_three_past_periods_are_backfilled(desk: Desk, page: Page) -> None:
    keys = _keys(desk)[1:4]
    page.goto(JOB)
    dialog = _choose(page, *keys)
    picture(page, "backfill")
    dialog.get_by_role("button", name="Launch backfill").click()
    _wait_for_runs(desk, keys, "SUCCESS")
    page.goto("/assets/published_period?view=partitions")
    expect(page.get_by_text("Materialized (4)")).to_be_visible()
    states = {row["period"]: row["state"] for row in desk.bonus.json("status")["periods"]}
    assert list(states.values()).count("estimated") == 4


def test_the_groups_stand_in_the_order_of_the_flow(page: Page) -> None:
    page.goto("/asset-groups")
    for stage in GROUPS:
        expect(page.get_by_text(group_name(stage), exact=True).first).to_be_visible()
    picture(page, "asset-graph")


def test_a_red_gate_shows_its_rows(desk: Desk, page: Page) -> None:
    key = _keys(desk)[4]
    broken = desk.bonus.landing / "creators" / "corrupt-delivery.csv"
    broken.write_text(
        "creator_id,account_type,market,updated_at\nc-new,robot,US,2024-01-01T00:00:00Z\n",
        encoding="utf-8",
    )
    try:
        page.goto(JOB)
        _choose(page, key).get_by_role("button", name="Launch 1 run").click()
        _wait_for_runs(desk, [key], "FAILURE")
    finally:
        broken.unlink()
    page.goto("/assets/raw_creators?view=checks")
    expect(page.get_by_text("Failed", exact=True).first).to_be_visible()
    expect(page.get_by_text("no_row_is_quarantined").first).to_be_visible()
    expect(page.get_by_text("corrupt-delivery.csv").first).to_be_attached()
    picture(page, "red-gate")
    page.goto(f"/assets/stg_creators?view=partitions&partition={key}")
    expect(page.get_by_text("Partitions Selected")).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.get_by_text("Materialized", exact=True)).to_have_count(0)
