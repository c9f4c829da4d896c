"""What operators do in the Dagster UI, in the order in which they do it; takes the docs' pictures.

Clicks are counted from our own landing page on, /bonus; one into a field that is typed into counts.

The tests build on each other's runs, as a day's work does: run them as one module.
"""

from __future__ import annotations

import re
from contextlib import suppress

from playwright.sync_api import Locator, Page, TimeoutError, expect

from orchestration.dagster_glue.assets.asset_metadata import GROUPS, group_name
from orchestration.dagster_glue.partitions import partition_key
from orchestration.terms.load import load_program
from tests.browser.conftest import (
    PATIENCE_MS,
    RUN_SECONDS,
    Camera,
    Clicks,
    Desk,
    cut,
    expect_failure,
    expect_success,
    overlapping,
    type_into,
)
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
    """Chooses partitions in the launch dialog; returns the dialog."""
    dialog = page.get_by_role("dialog").filter(has_text="Launch runs").first
    dialog.get_by_text("Select a partition or create one").click()
    for key in keys:
        page.locator("[class*=MiddleTruncate]:visible").filter(has_text=key).first.click()
    page.keyboard.press("Escape")
    expect(dialog).to_contain_text(f"{len(keys)} partition")
    return dialog


def _say_who(page: Page, dialog: Locator) -> None:
    """Says in the launch dialog who launches, as one does whose name is not kept."""
    dialog.get_by_text("0 tags").click()
    dialog.get_by_role("button", name="Add tags").click()
    page.get_by_placeholder("Tag Key").fill("by")
    page.get_by_placeholder("Tag Value").fill("ada")
    page.get_by_role("button", name="Apply").click()
    expect(dialog).to_contain_text("by: ada")


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
    _say_who(page, dialog)
    picture(page, "launch-period")
    dialog.get_by_role("button", name="Launch 1 run").click()
    page.goto(_wait_for_runs(desk, [key], "SUCCESS"))
    expect(page.get_by_text("Errored (0)")).to_be_visible()
    # Six stages; ingest and the three of dbt have their gates beside them, the ledger within.
    expect(page.get_by_text("Succeeded (10)")).to_be_visible()
    for table in GREEN:
        page.goto(f"/assets/{table}?view=checks")
        expect(page.get_by_text("Passed", exact=True).first).to_be_visible()
        expect(page.get_by_text("holds", exact=True).first).to_be_visible()
        assert cut(page) == []
        assert overlapping(page) == []
    page.goto(f"/assets/published_period?view=partitions&partition={key}")
    expect(page.get_by_text("Materialized", exact=True).first).to_be_visible()
    assert overlapping(page) == []


def test_a_table_says_what_it_is_and_what_happened(desk: Desk, page: Page, picture: Camera) -> None:
    key = _keys(desk)[0]
    page.goto("/assets/payout_ledger")
    expect(page.get_by_text("Grain: a creator and payout currency.")).to_be_visible()
    expect(
        page.get_by_text("ISO 4217 code of the currency the creator is paid in.")
    ).to_be_visible()
    page.goto(f"/assets/post_eligibility?view=partitions&partition={key}")
    said = page.get_by_text("posts are eligible.").first
    expect(said).to_be_visible()
    # The sentence comes first and stands there whole, and so does every table.
    assert page.get_by_role("row").first.inner_text().startswith("what_happened")
    assert said.evaluate("sentence => sentence.scrollWidth <= sentence.clientWidth + 1")
    expect(page.get_by_text("BELOW_MINIMUM_VIEWS").first).to_be_visible()
    assert cut(page) == []
    reasons = page.get_by_role("cell", name="reasons", exact=True)
    picture(page, "post-eligibility", page.get_by_role("row").filter(has=reasons).last)
    page.goto(f"/assets/payout_ledger?view=partitions&partition={key}")
    # Money has its currency and its separators, and no column cuts it into another number.
    expect(page.get_by_text(re.compile(r"^JPY \d{1,3}(,\d{3})*$")).first).to_be_visible()
    assert cut(page) == []


def test_lineage_shows_what_the_ledger_is_made_of(page: Page, picture: Camera) -> None:
    # So large that the names can be read.
    page.set_viewport_size({"width": 1600, "height": 1600})
    page.goto("/assets/payout_ledger?view=lineage&lineageScope=upstream&lineageDepth=1")
    expect(page.get_by_text("creator_earnings", exact=True).first).to_be_visible()
    picture(page, "lineage-of-the-ledger")


def test_lineage_leads_from_the_ledger_to_the_landing_data(page: Page) -> None:
    page.goto(f"/assets/payout_ledger?{ALL_UPSTREAM}")
    for table in ("payout_ledger", "creator_earnings", "creator_scores", "post_eligibility",
                  "int_posts", "stg_posts", "raw_posts"):  # fmt: skip
        expect(page.get_by_text(table, exact=True).first).to_be_attached()


def test_three_past_periods_are_backfilled(
    desk: Desk, page: Page, clicks: Clicks, picture: Camera
) -> None:
    """In Dagster. From /bonus it takes less: see test_own_pages.py."""
    keys = _keys(desk)[1:4]
    page.goto("/bonus")
    type_into(page.get_by_label("Your name"), "ada")
    page.get_by_role("button", name="Keep").click()
    page.get_by_role("link", name="run a period").click()
    page.get_by_role("button", name="Materialize all").click()
    dialog = _choose(page, *keys)
    picture(page, "backfill")
    dialog.get_by_role("button", name="Launch backfill").click()
    _wait_for_runs(desk, keys, "SUCCESS")
    assert 0 < clicks.taken() <= 9
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


def test_a_red_gate_shows_its_rows(desk: Desk, page: Page, clicks: Clicks, picture: Camera) -> None:
    key, published = _keys(desk)[4], _keys(desk)[0].partition(":")[2]
    period = key.partition(":")[2]
    broken = desk.bonus.landing / "creators" / "corrupt-delivery.csv"
    row = "c-new,robot,US,2024-01-01T00:00:00Z"
    broken.write_text(f"creator_id,account_type,market,updated_at\n{row}\n", encoding="utf-8")
    try:
        page.goto("/bonus")
        page.get_by_role("link", name=period, exact=True).click()
        running = page.locator("form", has=page.get_by_role("button", name=f"Run {period}"))
        type_into(running.get_by_label("Your name"), "ada")
        running.get_by_role("button").click()
        page.wait_for_url("**/runs/*")
        assert clicks.taken() == 3
        expect_failure(page)
        with page.context.expect_page() as opened:
            page.get_by_role("link", name=re.compile("#gates$")).last.click()
        expect(opened.value.get_by_text(row).first).to_be_visible()
        assert clicks.taken() == 1
        # The page of all periods says what came in, and what was blocked for it.
        page.goto("/bonus")
        expect(_row_of(page, published)).to_contain_text(
            "the landing data (creators) changed after this run"
        )
        expect(_row_of(page, period)).to_contain_text("the ingest gate has not held")
        # A run of the command line stands where those of the UI do.
        assert desk.bonus("run", period, "--by", "ada").returncode == 3
    finally:
        broken.unlink()
    run_id = desk.bonus.json("status")["periods"][4]["last_run"]["run_id"]
    _stands_everywhere(page, run_id)
    page.goto("/assets/raw_creators?view=checks")
    expect(page.get_by_text("Failed", exact=True).first).to_be_visible()
    expect(page.get_by_text("no_row_is_quarantined").first).to_be_visible()
    shown = page.get_by_role("row").filter(has_text=row).last
    expect(shown).to_be_visible()
    page.set_viewport_size({"width": 1800, "height": 1000})
    picture(page, "red-gate", shown)
    page.goto("/assets/stg_creators?view=checks")
    expect(page.get_by_text("not asked: the ingest gate has not held").first).to_be_visible()
    expect(page.get_by_text("Execution failed")).to_have_count(0)
    assert overlapping(page) == []
    page.goto(f"/assets/stg_creators?view=partitions&partition={key}")
    expect(page.get_by_text("failed, and did not materialize this asset.").first).to_be_visible()


def _stands_everywhere(page: Page, run_id: str) -> None:
    """A run of the job `period` is on its list of runs, with it on *Jobs*, and on the timeline."""
    page.goto(f"{JOB}/runs")
    expect(page.get_by_role("link", name=run_id[:8]).first).to_be_visible()
    page.goto("/jobs")
    job = page.locator("[class*=ListItem_listItem_]").filter(
        has=page.get_by_role("link", name="period")
    )
    job.get_by_role("button").first.click()
    expect(page.get_by_role("link", name=run_id[:8])).to_be_visible()
    page.goto("/overview/activity/timeline")
    row = page.locator("[class*=timelineRow]").filter(has=page.get_by_text("period", exact=True))
    row.locator("[class*=RunTimeline_runChunk_]").last.hover()
    expect(page.locator(f"a[href*='{run_id}']").first).to_be_visible()


def _row_of(page: Page, period: str) -> Locator:
    """The row of a period on /bonus."""
    heading = page.get_by_role("rowheader", name=period, exact=True)
    return page.get_by_role("row").filter(has=heading)


def test_a_partition_of_no_period_is_not_added(desk: Desk, page: Page) -> None:
    """Dagster's dialog takes any text; `test_partitions.py` has what came in some other way."""
    page.goto(f"/assets/published_period?{ALL_UPSTREAM}")
    page.get_by_role("button", name="Materialize all").click()
    page.get_by_role("button", name="Confirm").click()
    page.get_by_text("Add a partition", exact=True).click()
    adding = page.get_by_role("dialog").filter(has_text="Save").last
    adding.get_by_placeholder("name").fill("2024-4")
    adding.get_by_role("button", name="Save").click()
    expect(page.get_by_text("'2024-4' is no bonus period")).to_be_visible()
    page.goto("/assets/published_period?view=partitions")
    expect(page.get_by_text(f"{len(_keys(desk))} Partitions Selected")).to_be_visible()


def test_only_what_lacks_something_is_missing(page: Page) -> None:
    """Four periods are published, and complete, though none of them has been restated."""
    page.goto(f"{JOB}/partitions")
    missing = page.get_by_text("Missing partitions", exact=True)
    expect(missing.locator("xpath=..")).to_contain_text(re.compile(r"^2\s*Missing partitions"))


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


def _open_close(desk: Desk, page: Page) -> Locator:
    """The launchpad of the close with the first period chosen; returns the editor."""
    page.goto(LAUNCHPAD)
    _choose_in_launchpad(desk, page, _keys(desk)[0])
    editor = page.locator(".CodeMirror")
    # Choosing the period brings the configuration: a name to be filled in, and nothing else.
    expect(editor.get_by_text("approver").first).to_be_visible()
    expect(page.get_by_text("No errors").first).to_be_visible()
    expect(editor.get_by_text(str(desk.bonus.home))).to_have_count(0)
    return editor


def _fill_in_approver(desk: Desk, page: Page, name: str) -> None:
    """In a launchpad that nobody has typed into yet."""
    editor = _open_close(desk, page)
    editor.get_by_text("approver").first.click()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    page.keyboard.type(name)
    expect(editor.get_by_text(f"'{name}'").first).to_be_visible()
    expect(page.get_by_text("No errors").first).to_be_visible()


def _launch(page: Page) -> None:
    page.get_by_role("button", name="Launch Run").click()
    page.wait_for_url("**/runs/*")


def test_a_close_by_nobody_is_refused_before_there_is_a_run(desk: Desk, page: Page) -> None:
    before = desk.ui.runs()
    _open_close(desk, page)
    page.get_by_role("button", name="Launch Run").click()
    expect(page.get_by_text("Fill in approver in the launchpad").first).to_be_visible()
    expect(page.get_by_text("Traceback")).to_have_count(0)
    expect(page.get_by_text("Stack Trace")).to_have_count(0)
    assert desk.ui.runs() == before


def test_who_started_the_run_may_not_close_it(desk: Desk, page: Page) -> None:
    _fill_in_approver(desk, page, "ada")
    _launch(page)
    expect_failure(page)
    refusal = re.compile(
        r"ada started the run \S+ that read its inputs and published it; someone else"
    )
    expect(page.get_by_text(refusal).last).to_be_visible()
    # The state of the books is one thing, the fate of the last run another.
    first = desk.bonus.json("status")["periods"][0]
    assert (first["state"], first["last_run"]["status"]) == ("estimated", "FAILURE")


def test_a_period_is_closed_from_the_launchpad(desk: Desk, page: Page, picture: Camera) -> None:
    _fill_in_approver(desk, page, "grace")
    picture(page, "close-period")
    _launch(page)
    expect_success(page)
    first, *later = desk.bonus.json("status")["periods"]
    assert (first["state"], first["closed_by"]) == ("closed", "grace")
    assert first["last_run"]["by"] == "grace"
    assert "closed" not in {row["state"] for row in later}
