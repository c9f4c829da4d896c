"""Runs over a bucket: the same rows as over a folder, changes refused, credentials nowhere (docs/object-storage.md)."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import dagster as dg
import pytest

from orchestration.dagster_glue import sensors
from orchestration.dagster_glue.resources import HomeResource
from orchestration.dagster_glue.run_in_process import register
from orchestration.ingest.bucket import Bucket
from orchestration.pipeline.building import build
from orchestration.pipeline.changed_inputs import changes_of_published
from orchestration.pipeline.earning import earn
from orchestration.pipeline.flow import MODEL_STAGES
from orchestration.pipeline.gating import demand_held
from orchestration.pipeline.home import Home
from orchestration.pipeline.ingesting import ingest
from orchestration.pipeline.period_run import PeriodRun
from orchestration.pipeline.publishing import publish
from orchestration.pipeline.refusals import GateFailed, Refused
from orchestration.simulation.simulate import simulated
from orchestration.terms.load import load_program
from tests.conftest import BonusHere, published_files
from tests.integration.books import Books
from tests.object_store import KEY_ID, SECRET, TOKEN, ObjectStore
from tests.proof.product import fast_run

PREFIX = "creators/landing"


@pytest.fixture
def store(store: ObjectStore, sample: Path) -> ObjectStore:
    """A bucket with the sample's landing files."""
    store.upload(sample / "landing", PREFIX)
    return store


@pytest.fixture
def books(tmp_path: Path, sample: Path) -> Books:
    return Books(tmp_path / "home", sample / "program.yaml", fast=True)


@pytest.fixture
def bonus(tmp_path: Path, sample: Path, store: ObjectStore) -> BonusHere:
    return BonusHere(sample / "program.yaml", store.at(PREFIX), tmp_path / "home")


def a_delivery(store: ObjectStore, dataset: str = "payees") -> str:
    """The key of a file of the dataset."""
    found = store.client.list_objects_v2(Bucket=store.name, Prefix=f"{PREFIX}/{dataset}/")
    return str(next(each["Key"] for each in found["Contents"] if each["Size"]))


def texts(home: Path) -> dict[Path, bytes]:
    return {
        path: path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def test_a_bucket_gives_the_same_files_as_a_folder(
    store: ObjectStore, books: Books, begun: Books
) -> None:
    books.run(books.periods[0], store.at(PREFIX))
    assert published_files(books.home.path) == published_files(begun.home.path) != {}
    assert len(store.fetched) == len(set(store.fetched)) > 0


def test_the_command_runs_over_a_bucket_and_leaves_no_credentials(
    bonus: BonusHere, store: ObjectStore, begun: Books
) -> None:
    """Nothing new means nothing fetched; then what follows a run, and a search of all that was written and said."""
    period = begun.periods[0]
    said = [bonus("run", period, "--by", "ada")]
    assert published_files(bonus.home) == published_files(begun.home.path)
    fetched = len(store.fetched)
    said.append(bonus("run", period, "--by", "ada"))
    assert "nothing was new" in said[-1].stdout
    assert len(store.fetched) == fetched
    for command in (["status", "--json"], ["close", period, "--preview"]):
        said.append(bonus(*command))
    said.append(bonus("check", "creators"))
    assert [each.returncode for each in said] == [0] * len(said), said

    folder = bonus.home / "last_runs" / f"program={begun.program.program}" / f"period={period}"
    record = json.loads((folder / "record.json").read_text())
    assert record["inputs"]["landing"] == f"s3://{store.name}/{PREFIX}"
    written = texts(bonus.home)
    assert any(path.suffix == ".db" for path in written)  # Dagster's own
    for word in (SECRET, TOKEN, KEY_ID):
        assert not [each.args for each in said if word in each.stdout + each.stderr]
        assert [path for path, data in written.items() if word.encode() in data] == []


def test_nobody_counts_what_another_one_has_fetched(store: ObjectStore, books: Books) -> None:
    """bob's environment may have something else answer for the bucket, by whatever way it knows of."""
    period, landing = books.periods[0], store.at(PREFIX)
    books.run(period, landing, by="bob")
    right = published_files(books.home.path)
    for path in (books.home.path / "cache" / "objects").glob("*/*.csv"):
        fetched = path.read_bytes()
        path.write_bytes(fetched.replace(b"0", b"9"))
        path.rename(path.with_stem(hashlib.sha256(path.read_bytes()).hexdigest()))
    shutil.rmtree(books.home.path / "cache" / "landing", ignore_errors=True)
    (books.home.path / "cache" / "files.json").unlink()
    store.asked.clear()
    books.run(period, landing, by="ada")
    assert published_files(books.home.path) == right
    fetched_anew = len(store.fetched)
    assert fetched_anew > 0
    books.run(period, landing, by="ada")
    assert len(store.fetched) == fetched_anew


def test_a_changed_object_is_a_changed_input(store: ObjectStore, books: Books) -> None:
    period, landing = books.periods[0], store.at(PREFIX)
    books.run(period, landing)
    assert not changes_of_published(books.home, books.loaded, landing)[period]
    store.asked.clear()
    key = a_delivery(store)
    store.put(key, store.get(key) + b"\n")
    changed = changes_of_published(books.home, books.loaded, landing)[period]
    assert (changed.landing, changed.datasets) == (True, ("payees",))
    assert store.fetched == []
    books.run(period, landing)
    assert store.fetched == [key]


@pytest.mark.parametrize("is_versioned", [False, True])
def test_an_object_that_changes_while_it_is_read_is_refused(
    store: ObjectStore, books: Books, is_versioned: bool
) -> None:
    if is_versioned:
        store.client.put_bucket_versioning(
            Bucket=store.name, VersioningConfiguration={"Status": "Enabled"}
        )
    key = a_delivery(store)
    content = store.get(key)
    store.before = lambda _, asked: store.put(key, content + b"\n") if asked == key else None
    with pytest.raises(Refused, match=f"files in s3://{store.name}/{PREFIX} changed after ingest"):
        books.run(books.periods[0], store.at(PREFIX))
    assert books.published == {}


def test_an_object_that_vanishes_while_it_is_read_is_refused(
    store: ObjectStore, books: Books
) -> None:
    key = a_delivery(store)
    store.before = lambda _, asked: store.delete(key) if asked == key else None
    with pytest.raises(Refused, match="changed after ingest"):
        books.run(books.periods[0], store.at(PREFIX))
    assert books.published == {}


def test_an_object_that_can_only_be_listed_blocks_the_run(store: ObjectStore, books: Books) -> None:
    """As a file that cannot be opened does: nothing has changed, and a file is quarantined."""
    store.put(f"{PREFIX}/posts/more.csv/", b"its key ends in a slash")
    with pytest.raises(GateFailed, match="quarantined"):
        books.run(books.periods[0], store.at(PREFIX))


def until_published(books: Books, landing: Bucket) -> PeriodRun:
    """A run of the first period up to its publication."""
    run = fast_run(books.home, books.program.program, books.periods[0], "run", "ada")
    ingest(run, books.loaded.path, landing)
    demand_held(run, "ingest")
    for stage in MODEL_STAGES:
        build(run, stage)
        demand_held(run, stage)
    earn(run)
    return run


def test_what_is_replaced_after_ingest_is_not_published(store: ObjectStore, books: Books) -> None:
    run = until_published(books, store.at(PREFIX))
    key = a_delivery(store)
    content = store.get(key)
    store.put(key, content.replace(b"ready", b"blocked"))
    with pytest.raises(Refused, match="changed after ingest; nothing is published"):
        publish(run)
    store.put(key, content)  # as ingest has read it
    publish(run)
    assert list(books.published) == [books.periods[0]]


def test_a_bucket_that_does_not_answer_before_the_switch_stops_the_run(
    store: ObjectStore, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = until_published(books, store.at(PREFIX))
    monkeypatch.setattr("orchestration.ingest.bucket._RETRIES", {"max_retries": 0})
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(Refused, match=r"does not answer.*not known, and nothing is published"):
        publish(run)
    assert books.published == {}


def test_simulations_fetch_once(store: ObjectStore, books: Books) -> None:
    """In a name of their own, as nobody's run takes on what they fetched."""
    period, landing = books.periods[0], store.at(PREFIX)
    books.run(period, landing)
    fetched = []
    for _ in range(2):
        store.asked.clear()
        with simulated(
            books.home, books.loaded, books.loaded, [period], landing, fast_run
        ) as pairs:
            assert list(pairs) == [period]
        fetched.append(len(store.fetched))
    assert fetched[0] > 0 == fetched[1]
    assert store.asked != []


def test_adjustments_by_hand_are_delivered_into_the_bucket(
    bonus: BonusHere, store: ObjectStore, sample: Path
) -> None:
    period = load_program(sample / "program.yaml").program.periods[0].key
    asked = [
        "--creator", "star-us", "--period", period, "--currency", "USD", "--amount", "12.50",
        "--reason", "it was no branded content", "--by", "bo",
    ]  # fmt: skip
    done = bonus("adjust", "propose", *asked)
    assert done.returncode == 0, done.stderr
    path = done.stdout.splitlines()[-1]
    assert path.startswith(f"s3://{store.name}/{PREFIX}/adjustments/by-hand-")
    assert b"12.5" in store.get(path.removeprefix(f"s3://{store.name}/"))
    assert "it was no branded content" in bonus("adjust", "list").stdout


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("s3://no-such-bucket/x", "there is no such bucket"),
        ("s3://{bucket}/elsewhere", "holds no objects"),
        (f"s3://{KEY_ID}:{SECRET}@bucket/x", "credentials belong in the environment"),
        ("https://example.org/x", "s3://, gs:// or az://"),
    ],
)
def test_a_place_that_cannot_be_listed_is_bad_usage(
    bonus: BonusHere, store: ObjectStore, address: str, said: str
) -> None:
    place = address.format(bucket=store.name)
    done = bonus("run", "2024-04", BONUS_LANDING=place)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert SECRET not in done.stderr


def test_the_sensors_see_a_delivery_without_fetching_it(
    store: ObjectStore, tmp_path: Path, sample: Path
) -> None:
    home = Home(tmp_path / "home")
    home.prepare()
    instance = register(home, load_program(sample / "program.yaml"), store.at(PREFIX))
    cursor = None

    def look() -> list[str]:
        nonlocal cursor
        with dg.build_sensor_context(
            instance, cursor=cursor, resources={"home": HomeResource(path=str(home.path))}
        ) as context:
            result = sensors.deliveries(context)
        cursor = result.cursor
        return [str(request.partition_key) for request in result.run_requests or []]

    assert look() == []
    assert len(look()) == 2  # nothing changes any more, and nothing is published
    store.put(f"{PREFIX}/payees/new.csv", store.get(a_delivery(store)))
    assert look() == []
    assert len(look()) == 2
    assert store.fetched == []
