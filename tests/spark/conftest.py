"""One Spark session for all tests here: it costs more to start than to use. Skipped where there is none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from orchestration.pipeline.engines import SparkEngine

CONF = Path(__file__).parent / "conf"


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkEngine]:
    """The engine on a session of this process, with one thread."""
    if find_spec("pyspark") is None:
        pytest.skip("pyspark is not installed: make install-spark")
    if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
        pytest.skip("there is no Java: apt-get install default-jre-headless")
    os.environ.setdefault("SPARK_CONF_DIR", str(CONF))
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    yield SparkEngine(master=os.environ.get("BONUS_SPARK_MASTER", "local[1]"))
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession()
    if session is not None:
        session.stop()
