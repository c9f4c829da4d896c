"""Sensors and schedules: new deliveries, days of closing, failed runs. Glue over `pipeline/`.

What starts runs is off until an operator turns them on in the UI (Automation).
"""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime

import dagster as dg

from orchestration.dagster_glue.alerts import addresses, alert_of
from orchestration.dagster_glue.assets.ingest import INPUT_FILES, input_version
from orchestration.dagster_glue.dead_runs import fail_dead_run
from orchestration.dagster_glue.jobs import PERIOD_JOB
from orchestration.dagster_glue.partitions import add_periods, partition_key
from orchestration.dagster_glue.resources import BY_TAG, HomeResource
from orchestration.pipeline.close_log import CloseLog
from orchestration.pipeline.home import Home, Registration
from orchestration.terms.load import LoadedProgram, ProgramFileError, load_program
from orchestration.terms.model import Period, Program

LOOK_EVERY_SECONDS = 60
DATA_VERSION_TAG = "dagster/data_version"


@dg.sensor(
    name="deliveries",
    job_name=PERIOD_JOB,
    minimum_interval_seconds=LOOK_EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Runs the open periods of a program when its landing files have changed.",
)
def deliveries(context: dg.SensorEvaluationContext, home: HomeResource) -> dg.SensorResult:
    """Requests a run of every open period of a program whose landing files are others than before.

    Any file may hold late rows of any period, so a delivery touches every period that has begun
    (its starts_on has come in UTC, or it is published) and is not closed. Nothing is requested
    while files still change between two looks, nor for a period that was published from just these
    files. A period is requested once for one content of the landing directory: the fingerprint is
    part of the run key. The cursor holds the fingerprint of the last look, by program.
    """
    seen: dict[str, str] = json.loads(context.cursor) if context.cursor else {}
    now: dict[str, str] = {}
    requests = []
    for name, registration, loaded in _programs(context, home.home):
        program = loaded.program
        digest = _landing_digest(context, home.home, name, registration)
        if digest is None:
            continue
        now[name] = digest
        if seen.get(name) == digest:
            for period in _begun_and_open(home.home, program, datetime.now(UTC).date()):
                if not _published_from(home.home, name, period.key, digest):
                    requests.append(_request(name, period.key, digest, "deliveries sensor"))
    return dg.SensorResult(run_requests=requests, cursor=json.dumps(now, sort_keys=True))


@dg.sensor(
    name="input_changes",
    minimum_interval_seconds=LOOK_EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells Dagster of changed landing files and terms, so that it shows periods as stale.",
)
def input_changes(context: dg.SensorEvaluationContext, home: HomeResource) -> dg.SensorResult:
    """Reports what lies there now, for each period that was run from something else. Starts no run."""
    events = []
    for name, registration, loaded in _programs(context, home.home):
        digest = _landing_digest(context, home.home, name, registration)
        if digest is None:
            continue
        version = input_version(digest, loaded.sha256)
        for period in loaded.program.periods:
            key = partition_key(name, period.key)
            known = _known_version(context.instance, key)
            if known not in {None, version}:
                events.append(
                    dg.AssetMaterialization(
                        INPUT_FILES,
                        "The landing files or the program file changed after the run of this period.",
                        partition=key,
                        tags={DATA_VERSION_TAG: version},
                    )
                )
    return dg.SensorResult(asset_events=events)


def _known_version(instance: dg.DagsterInstance, key: str) -> str | None:
    """By which files Dagster knows a period: those of its last run, or what was told of since."""
    asked = dg.AssetRecordsFilter(asset_key=dg.AssetKey(INPUT_FILES), asset_partitions=[key])
    for record in instance.fetch_materializations(asked, limit=1).records:
        if record.asset_materialization is not None:
            return (record.asset_materialization.tags or {}).get(DATA_VERSION_TAG)
    return None


@dg.schedule(
    name="closing_days",
    job_name=PERIOD_JOB,
    cron_schedule="30 0 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Runs each period once when its closes_on has come.",
)
def closing_days(
    context: dg.ScheduleEvaluationContext, home: HomeResource
) -> Iterator[dg.RunRequest]:
    """Requests a run of each period that is not closed and whose closes_on has come, once.

    A day that the daemon missed is made up for. What was requested before is asked of Dagster, by
    run key: keys of a schedule hold for one tick only.
    """
    today = context.scheduled_execution_time.astimezone(UTC).date()
    for name, _, loaded in _programs(context, home.home):
        for period in _begun_and_open(home.home, loaded.program, today):
            why = f"closes_on {period.closes_on}"  # put later, it comes once more
            request = _request(name, period.key, why, "closing_days schedule")
            asked = dg.RunsFilter(tags={"dagster/run_key": str(request.run_key)})
            if period.closes_on <= today and not context.instance.get_runs(asked, limit=1):
                yield request


@dg.run_failure_sensor(
    name="alerts",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells of failed runs by webhook or e-mail; off until BONUS_ALERT_URLS is set.",
)
def alerts(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
    """Alerts of failed runs; one of the command line has told of itself already, unless it died."""
    if not addresses():
        return dg.SkipReason("alerts are off: BONUS_ALERT_URLS is not set")
    for problem in alert_of(context.instance, context.dagster_run.run_id):
        context.log.warning(problem)
    return None


def _programs(
    context: dg.SensorEvaluationContext | dg.ScheduleEvaluationContext, home: Home
) -> Iterator[tuple[str, Registration, LoadedProgram]]:
    """Every program of the home whose file can be read; its dead runs are marked on the way."""
    for name, registration in home.registrations().items():
        try:
            loaded = load_program(registration.program_file)
            CloseLog(home.path, name).entries()
        except ProgramFileError:
            context.log.warning(f"{name}: its program file is not in order; bonus status says why")
            continue
        except ValueError:
            context.log.warning(f"{name}: its close log is not in order; bonus verify says why")
            continue
        add_periods(context.instance, home, loaded.program)
        for period in loaded.program.periods:
            fail_dead_run(context.instance, home, name, period.key)
        yield name, registration, loaded


def _landing_digest(
    context: dg.SensorEvaluationContext, home: Home, name: str, registration: Registration
) -> str | None:
    """The digest of a program's landing files as they lie there; None, with a warning, if that is not known."""
    if registration.landing is None:
        context.log.warning(f"{name}: its landing directory is not known here; bonus run names it")
        return None
    try:
        return home.landing_digest(registration.landing)
    except OSError as error:
        context.log.warning(f"{name}: its landing files cannot be read ({error.strerror or error})")
        return None


def _begun_and_open(home: Home, program: Program, today: date) -> list[Period]:
    published = home.store(program.program).published()
    closed = {entry.period for entry, _ in CloseLog(home.path, program.program).entries()}
    return [
        period
        for period in program.periods
        if (period.starts_on <= today or period.key in published) and period.key not in closed
    ]


def _published_from(home: Home, program: str, period: str, digest: str) -> bool:
    publication = home.store(program).published().get(period)
    return publication is not None and publication.record().landing_sha256 == digest


def _request(program: str, period: str, why: str, by: str) -> dg.RunRequest:
    key = partition_key(program, period)
    return dg.RunRequest(
        run_key=f"{key}:{why}",
        partition_key=key,
        tags={BY_TAG: by, "program": program, "period": period},
    )
