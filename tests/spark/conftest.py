"""One Spark session for all tests here: it costs more to start than to use. Skipped where there is none.

With SPARK_TESTS=cluster, as `make test-spark` has it, its executors are those of a cluster of the tests' own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.spark_cluster import cluster
from orchestration.pipeline.engines import SparkEngine
from tests.served_ui import free_port

CONF = Path(__file__).parent / "conf"


@pytest.fixture(scope="session")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A standalone cluster on loopback, one master and two workers; else one thread of this process."""
    if os.environ.get("SPARK_TESTS") != "cluster":
        yield "local[1]"
        return
    with cluster(free_port(), tmp_path_factory.mktemp("cluster")) as running:
        yield running.master


@pytest.fixture(scope="session")
def needs() -> None:
    """Skips all where Spark or Java is not there."""
    if find_spec("pyspark") is None:
        pytest.skip("pyspark is not installed: make install-spark")
    if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
        pytest.skip("there is no Java: apt-get install default-jre-headless")


@pytest.fixture(scope="session")
def spark(needs: None, master: str) -> Iterator[SparkEngine]:
    """The engine on a session of this process."""
    os.environ.setdefault("SPARK_CONF_DIR", str(CONF))
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    yield SparkEngine(master=master)
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession()
    if session is not None:
        session.stop()
