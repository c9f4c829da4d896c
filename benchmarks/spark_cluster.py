"""`python -m benchmarks.spark_cluster [PORT]`: a standalone Spark cluster on loopback, until Ctrl-C (docs/spark.md).

One master and two workers out of the pyspark package, each worker with a core and a gigabyte; for tests a
Thrift server, too. Nothing outside this machine reaches them, and nobody is asked for a password.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

WORKERS = 2
_PATIENCE_SECONDS = 180
_LOOPBACK = "127.0.0.1"


@dataclass
class Cluster:
    """A running cluster."""

    master: str
    logs: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def stop(self, name: str, with_signal: int = signal.SIGTERM) -> None:
        """Ends a process of it: `master`, `worker-1` or `worker-2`."""
        process = self.processes[name]
        process.send_signal(with_signal)
        process.wait()


@contextmanager
def cluster(port: int, logs: Path) -> Iterator[Cluster]:
    """A cluster for as long as the context lasts; what its processes say goes to files in `logs`."""
    running = Cluster(f"spark://{_LOOPBACK}:{port}", logs)

    def start(name: str, arguments: Sequence[str]) -> None:
        running.processes[name] = _spark_class(logs, name, arguments)

    try:
        at = ["--host", _LOOPBACK, "--webui-port", "0"]
        start("master", ["org.apache.spark.deploy.master.Master", *at, "--port", str(port)])
        _wait_for(logs / "master.log", "I have been elected leader", "RegisterWorker", port=port)
        for number in range(1, WORKERS + 1):
            name = f"worker-{number}"
            size = ["--cores", "1", "--memory", "1g", "--work-dir", str(logs / name)]
            start(name, ["org.apache.spark.deploy.worker.Worker", *at, *size, running.master])
        for number in range(1, WORKERS + 1):
            _wait_for(logs / f"worker-{number}.log", "Successfully registered with master")
        yield running
    finally:
        for process in reversed(running.processes.values()):
            process.terminate()
        for process in running.processes.values():
            process.wait()


@contextmanager
def thrift_server(
    port: int, logs: Path, settings: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """The process of a Spark Thrift server with two threads, whose catalogue ends with it; its log is in `logs`."""
    said = {
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.warehouse.dir": str(logs / "warehouse"),
        "spark.ui.enabled": "false",
        **settings,
    }
    hive = {"hive.server2.thrift.port": port, "hive.server2.thrift.bind.host": _LOOPBACK}
    process = _spark_class(
        logs,
        "thrift",
        [
            "org.apache.spark.deploy.SparkSubmit",
            *("--class", "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"),
            *("--master", "local[2]"),
            *(part for name, value in said.items() for part in ("--conf", f"{name}={value}")),
            "spark-internal",
            *(part for name, value in hive.items() for part in ("--hiveconf", f"{name}={value}")),
        ],
    )
    try:
        _wait_for(logs / "thrift.log", "HiveThriftServer2 started")
        yield process
    finally:
        process.terminate()
        process.wait()


def _spark_class(logs: Path, name: str, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """A process of Spark, whose words go to `<logs>/<name>.log`."""
    import pyspark

    home = Path(pyspark.__file__).parent
    logs.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "SPARK_LOCAL_IP": _LOOPBACK, "SPARK_HOME": str(home)}
    # Its log may say errors only, and we wait for a word.
    environment.pop("SPARK_CONF_DIR", None)
    with (logs / f"{name}.log").open("wb") as log:
        return subprocess.Popen(
            [str(home / "bin" / "spark-class"), *arguments],
            stdout=log,
            stderr=log,
            env=environment,
            cwd=logs,
        )


def _wait_for(log: Path, *texts: str, port: int | None = None) -> None:
    """Waits until a log has one of the texts, or the port answers; TimeoutError if neither comes."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < end:
        said = log.read_text(encoding="utf-8", errors="replace")
        if any(text in said for text in texts):
            return
        if port is not None:
            with socket.socket() as probe:
                if probe.connect_ex((_LOOPBACK, port)) == 0:
                    return
        time.sleep(0.2)
    raise TimeoutError(f"{log} never said {' or '.join(texts)}: {said[-2000:]}")


def main() -> None:
    """Runs a cluster until it is interrupted."""
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 7077
    with cluster(port, Path("spark-cluster")) as running:
        print(f"BONUS_SPARK_MASTER={running.master} bonus run PERIOD --engine spark", flush=True)
        print("Logs in spark-cluster/. Ctrl-C ends the cluster.", flush=True)
        try:
            running.processes["master"].wait()
        except KeyboardInterrupt:
            print("ended")


if __name__ == "__main__":
    main()
