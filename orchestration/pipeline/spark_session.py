"""The Spark session of this process: one, since Spark has no more; started by the first stage that needs it."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# In which Spark is silent where DuckDB is not, or reads an instant otherwise.
SETTINGS: Final = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
}
_AT_START: Final = {
    "spark.app.name": "creator-bonus",
    "spark.log.level": "ERROR",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # Tables go by their folders, so a catalogue need not outlive the process.
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.legacy.createHiveTableByDefault": "false",
}


def what_is_missing(environment: Mapping[str, str]) -> str | None:
    """The thing that Spark lacks on this machine, with the way to get it; None if it has all."""
    if find_spec("pyspark") is None or find_spec("dbt.adapters.spark") is None:
        return "pyspark and dbt-spark: make install-spark"
    if environment.get("BONUS_SPARK_THRIFT") and find_spec("pyhive") is None:
        return "PyHive, since BONUS_SPARK_THRIFT is set: make install-spark"
    if not environment.get("JAVA_HOME") and shutil.which("java") is None:
        return "Java 17 or newer: apt-get install default-jre-headless, or set JAVA_HOME"
    return None


def spark_session(master: str) -> SparkSession:
    """The session of this process, on the cluster `master`, or that which runs already.

    Settings of a cluster stand in spark-defaults.conf below SPARK_CONF_DIR; the JVM, which is a child
    of this process, reads that. Without it, one that says errors only.
    """
    warnings.filterwarnings("ignore", category=FutureWarning, module="pyspark")
    from pyspark.sql import SparkSession

    os.environ.setdefault("SPARK_CONF_DIR", str(Path(__file__).with_name("spark_conf")))
    if master.startswith("local"):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")  # nobody else has to reach it
    builder = SparkSession.builder.master(master)
    # The default database wants a folder, though nothing is ever written there.
    warehouse = tempfile.gettempdir() + "/bonus-warehouse"
    settings = {**_AT_START, **SETTINGS, "spark.sql.warehouse.dir": warehouse}
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    let_dbt_keep_settings()
    return session


def settings_of_thrift(settings: Mapping[str, str]) -> dict[str, str]:
    """Settings as a Thrift server takes them when a session is opened: it leaves out names that stand alone."""
    return {f"set:hiveconf:{name}": value for name, value in settings.items()}


def let_dbt_keep_settings() -> None:
    """dbt-spark sets ANSI mode off before every statement: an overflow would be null without a word."""
    from dbt.adapters.spark.connections import SparkCredentials

    kind: Any = SparkCredentials
    own = kind.__post_init__
    if getattr(own, "keeps_ansi", False):
        return

    def post_init(credentials: Any) -> None:
        own(credentials)
        credentials.server_side_parameters.update(SETTINGS)
        if credentials.method == "thrift":
            credentials.server_side_parameters.update(
                settings_of_thrift(credentials.server_side_parameters)
            )

    post_init.keeps_ansi = True  # type: ignore[attr-defined]
    kind.__post_init__ = post_init
