"""What operators do in the Dagster UI, in the order in which they do it; takes the docs' pictures.

The tests build on each other's runs, as a day's work does: run them as one module.
"""

from __future__ import annotations

import re
from contextlib import suppress

from playwright.sync_api import Locator, Page, TimeoutError, expect

from orchestration.dagster_glue.assets.asset_metadata import GROUPS, group_name
from orchestration.dagster_glue.partitions import partition_key
from orchestration.terms.load import load_program
from tests.browser.conftest import PATIENCE_MS, RUN_MS, RUN_SECONDS, Camera, Desk
from tests.served_ui import wait_for

JOB = "/locations/creator-bonus/jobs/period"
LAUNCHPAD = "/locations/creator-bonus/jobs/close/playground"
ALL_UPSTREAM = "view=lineage&lineageScope=upstream&lineageDepth=100"

# Of each stage a table whose gate has no warning in the sample, so that its check turns green.
GREEN = ("raw_creators", "stg_posts", "creator_eligibility", "post_scores", "payout_ledger")


def _keys(desk: Desk) -> list[str]:
    program = load_program(desk.bonus.program).program
    return [partition_key(program.program, period.key) for period in program.periods]


def _choose(page: Page, *keys: str) -> Locator:
    """Chooses partitions in the launch dialog, and says who launches; returns the dialog."""
    dialog = page.get_by_role("dialog").filter(has_text="Launch runs").first
    dialog.get_by_text("Select a partition or create one").click()
    for key in keys:
        page.locator("[class*=MiddleTruncate]:visible").filter(has_text=key).first.click()
    page.keyboard.press("Escape")
    expect(dialog).to_contain_text(f"{len(keys)} partition")
    dialog.get_by_text("0 tags").click()
    dialog.get_by_role("button", name="Add tags").click()
    page.get_by_placeholder("Tag Key").fill("by")
    page.get_by_placeholder("Tag Value").fill("ada")
    page.get_by_role("button", name="Apply").click()
    expect(dialog).to_contain_text("by: ada")
    return dialog


def _choose_of_job(page: Page, *keys: str) -> Locator:
    page.goto(JOB)
    page.get_by_role("button", name="Materialize all").click()
    return _choose(page, *keys)


def _wait_for_runs(desk: Desk, keys: list[str], status: str) -> str:
    """Waits until the latest run of each partition has ended, then wants `status` of it.

    Returns the page of the last of these runs.
    """

    def latest() -> dict[str, tuple[str, str]]:
        runs = {
            run["tags"].get("dagster/partition"): (run["status"], run["runId"])
            for run in desk.ui.runs()[::-1]
        }
        found = {key: runs[key] for key in keys if key in runs}
        ended = {status for status, _ in found.values()} <= {"SUCCESS", "FAILURE"}
        return found if ended and len(found) == len(keys) else {}

    found = wait_for(f"runs of {keys} end", latest, RUN_SECONDS, desk.log)
    assert {status for status, _ in found.values()} == {status}
    return f"/runs/{found[keys[-1]][1]}"


def test_a_period_is_triggered_from_the_asset_page_and_turns_green(
    desk: Desk, page: Page, picture: Camera
) -> None:
    key = _keys(desk)[0]
    page.goto(f"/assets/published_period?{ALL_UPSTREAM}")
    page.get_by_role("button", name="Materialize all").click()
    # The restatement comes of the same step as the ledger, and Dagster says so.
    page.get_by_role("button", name="Confirm").click()
    dialog = _choose(page, key)
    picture(page, "launch-period")
    dialog.get_by_role("button", name="Launch 1 run").click()
    page.goto(_wait_for_runs(desk, [key], "SUCCESS"))
    expect(page.get_by_text("Errored (0)")).to_be_visible()
    # Six stages; ingest and the three of dbt have their gates beside them, the ledger within.
    expect(page.get_by_text("Succeeded (10)")).to_be_visible()
    for table in GREEN:
        page.goto(f"/assets/{table}?view=checks")
        expect(page.get_by_text("Passed", exact=True).first).to_be_visible()
    page.goto(f"/assets/published_period?view=partitions&partition={key}")
    expect(page.get_by_text("Materialized", exact=True).first).to_be_visible()


def test_a_table_says_what_it_is_and_what_happened(desk: Desk, page: Page, picture: Camera) -> None:
    key = _keys(desk)[0]
    page.goto("/assets/payout_ledger")
    expect(page.get_by_text("Grain: a creator and payout currency.")).to_be_visible()
    expect(
        page.get_by_text("ISO 4217 code of the currency the creator is paid in.")
    ).to_be_visible()
    page.goto(f"/assets/post_eligibility?view=partitions&partition={key}")
    expect(page.get_by_text("posts are eligible.")).to_be_visible()
    expect(page.get_by_text("BELOW_MINIMUM_VIEWS").first).to_be_visible()
    reasons = page.get_by_role("cell", name="reasons", exact=True)
    picture(page, "post-eligibility", page.get_by_role("row").filter(has=reasons).last)


def test_lineage_shows_what_the_ledger_is_made_of(page: Page, picture: Camera) -> None:
    page.goto("/assets/payout_ledger?view=lineage&lineageScope=upstream&lineageDepth=1")
    expect(page.get_by_text("creator_earnings", exact=True).first).to_be_visible()
    picture(page, "lineage-of-the-ledger")


def test_lineage_leads_from_the_ledger_to_the_landing_data(page: Page) -> None:
    page.goto(f"/assets/payout_ledger?{ALL_UPSTREAM}")
    for table in ("payout_ledger", "creator_earnings", "creator_scores", "post_eligibility",
                  "int_posts", "stg_posts", "raw_posts"):  # fmt: skip
        expect(page.get_by_text(table, exact=True).first).to_be_attached()


def test_three_past_periods_are_backfilled(desk: Desk, page: Page, picture: Camera) -> None:
    keys = _keys(desk)[1:4]
    dialog = _choose_of_job(page, *keys)
    picture(page, "backfill")
    dialog.get_by_role("button", name="Launch backfill").click()
    _wait_for_runs(desk, keys, "SUCCESS")
    page.goto("/assets/published_period?view=partitions")
    expect(page.get_by_text("Materialized (4)")).to_be_visible()
    shown = {row["period"]: row for row in desk.bonus.json("status")["periods"]}
    assert [row["state"] for row in shown.values()].count("estimated") == 4
    assert [row["by"] for row in shown.values()].count("ada") == 4


def test_the_groups_stand_in_the_order_of_the_flow(page: Page, picture: Camera) -> None:
    page.goto("/asset-groups")
    for stage in GROUPS:
        expect(page.get_by_text(group_name(stage), exact=True).first).to_be_visible()
    picture(page, "asset-graph")


def test_a_red_gate_shows_its_rows(desk: Desk, page: Page, picture: Camera) -> None:
    key = _keys(desk)[4]
    broken = desk.bonus.landing / "creators" / "corrupt-delivery.csv"
    broken.write_text(
        "creator_id,account_type,market,updated_at\nc-new,robot,US,2024-01-01T00:00:00Z\n",
        encoding="utf-8",
    )
    try:
        _choose_of_job(page, key).get_by_role("button", name="Launch 1 run").click()
        _wait_for_runs(desk, [key], "FAILURE")
    finally:
        broken.unlink()
    page.goto("/assets/raw_creators?view=checks")
    expect(page.get_by_text("Failed", exact=True).first).to_be_visible()
    expect(page.get_by_text("no_row_is_quarantined").first).to_be_visible()
    row = page.get_by_role("row").filter(has_text="c-new,robot,US,2024-01-01T00:00:00Z").last
    expect(row).to_be_visible()
    picture(page, "red-gate", row)
    page.goto(f"/assets/stg_creators?view=partitions&partition={key}")
    expect(page.get_by_text("failed, and did not materialize this asset.")).to_be_visible()


def _choose_in_launchpad(desk: Desk, page: Page, key: str) -> None:
    """The box forgets a click that comes before its partitions do, so it is clicked until it offers them."""
    partition, option = page.get_by_placeholder("Partition"), page.get_by_text(key).first

    def offered() -> bool:
        partition.blur()
        partition.click()
        with suppress(TimeoutError):
            option.wait_for(timeout=5_000)
        return option.is_visible()

    wait_for(f"{key} is offered", offered, PATIENCE_MS / 1000, desk.log)
    option.click()


def _fill_in_approver(desk: Desk, page: Page, name: str) -> None:
    """In a launchpad that nobody has typed into yet."""
    page.goto(LAUNCHPAD)
    _choose_in_launchpad(desk, page, _keys(desk)[0])
    editor = page.locator(".CodeMirror")
    # Choosing the period brings the configuration, with a name to be filled in.
    editor.get_by_text("approver").click()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    page.keyboard.type(name)
    expect(editor.get_by_text(f"'{name}'")).to_be_visible()
    expect(page.get_by_text("No errors")).to_be_visible()


def _launch(page: Page) -> None:
    page.get_by_role("button", name="Launch Run").click()
    page.wait_for_url("**/runs/*")


def test_who_started_the_run_may_not_close_it(desk: Desk, page: Page) -> None:
    _fill_in_approver(desk, page, "ada")
    _launch(page)
    refusal = re.compile(r"ada started the run \S+ that published it; someone else has to close it")
    expect(page.get_by_text(refusal).first).to_be_visible(timeout=RUN_MS)


def test_a_period_is_closed_from_the_launchpad(desk: Desk, page: Page, picture: Camera) -> None:
    _fill_in_approver(desk, page, "grace")
    picture(page, "close-period")
    _launch(page)
    expect(page.get_by_text("Succeeded (1)")).to_be_visible(timeout=RUN_MS)
    first, *later = desk.bonus.json("status")["periods"]
    assert (first["state"], first["closed_by"]) == ("closed", "grace")
    assert first["last_run"]["by"] == "grace"
    assert "closed" not in {row["state"] for row in later}


def test_a_run_of_the_command_line_stands_where_those_of_the_ui_do(desk: Desk, page: Page) -> None:
    key = _keys(desk)[5]
    period = key.partition(":")[2]
    assert desk.bonus("run", period, "--by", "ada").returncode == 0
    run_id = desk.bonus.json("status")["periods"][5]["last_run"]["run_id"]
    page.goto(f"{JOB}/runs")
    expect(page.get_by_role("link", name=run_id[:8]).first).to_be_visible()
