"""dbt in this process: the manifest, parsed once for a state of the project, and a stage's models."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from filelock import FileLock

from orchestration.foundations.durable import write_bytes
from orchestration.foundations.shipped import shipped
from orchestration.pipeline.work_file import WorkFile

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest
    from dbt.contracts.graph.nodes import ModelNode

PROJECT = shipped("dbt_project")
_MANIFEST, _PARSED, _SIZES = "manifest.json", "partial_parse.msgpack", "sizes.json"


class ModelsFailed(RuntimeError):
    """dbt could not build the models of a stage."""


# The outputs of profiles.yml; the adapters are dbt-duckdb and dbt-spark.
DUCKDB: Final = "duckdb"
SPARK: Final = "spark"


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "creator-bonus"


@cache
def manifest_path(output: str = DUCKDB) -> Path:
    """The manifest.json of the project as it is now, parsed if no process did so before.

    One file for each state of the project, version of dbt and output, shared by all homes: the work
    file's path is no part of it, only its stem.
    """
    adapter = f"dbt-{output}"
    digest = hashlib.sha256(
        f"{PROJECT} {version('dbt-core')} {adapter} {version(adapter)}".encode()
    )
    for path in sorted(PROJECT.rglob("*")):
        if path.suffix in {".sql", ".yml", ".md", ".csv"} and "target" not in path.parts:
            digest.update(f"{path.relative_to(PROJECT)}\0".encode() + path.read_bytes())
    folder = _cache_folder() / digest.hexdigest()[:32]
    if not _is_whole(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if not _is_whole(folder):
                _parse(folder, output)
    return folder / _MANIFEST


def _is_whole(folder: Path) -> bool:
    """True if the files have the sizes with which they were written; a power cut may leave less."""
    try:
        sizes = json.loads((folder / _SIZES).read_bytes())
        return all((folder / name).stat().st_size == sizes[name] for name in (_MANIFEST, _PARSED))
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _parse(folder: Path, output: str) -> None:
    fresh = folder.with_suffix(f".{os.getpid()}")
    shutil.rmtree(folder, ignore_errors=True)
    _invoke(None, "parse", WorkFile(fresh), fresh, [], output)
    sizes = {name: (fresh / name).stat().st_size for name in (_MANIFEST, _PARSED)}
    write_bytes(fresh / _SIZES, json.dumps(sizes).encode())
    fresh.rename(folder)


@cache
def _manifest(output: str = DUCKDB) -> Manifest:
    from dbt.contracts.graph.manifest import Manifest

    parsed = manifest_path(output).parent / _PARSED
    return Manifest.from_msgpack(parsed.read_bytes())


def warm_up() -> None:
    """Imports what building takes, and reads the project: ahead of the need, where there is time."""
    for name in ("dbt.adapters.duckdb.connections", "dbt.cli.main"):
        import_module(name)
    _manifest()


def compiled_models() -> list[ModelNode]:
    """The models with their columns as described and `compiled_code`, in no order of their own."""
    from dbt.contracts.graph.nodes import ModelNode

    with TemporaryDirectory() as scratch:
        folder, selection = Path(scratch), ["--select", "resource_type:model"]
        result = _invoke(_manifest(), "compile", WorkFile(folder), folder, selection)
    return [row.node for row in result if isinstance(row.node, ModelNode)]


def _without_stack(message: str) -> str:
    """An engine's message without the pages that a JVM adds to it."""
    return re.split(r" JVM stacktrace:| at (?:org|java|scala)[.\w$]+\(", message, maxsplit=1)[0]


def models_of(output: str, stage: str) -> tuple[dict[str, dict[str, str]], list[str]]:
    """The models of a stage, each with the types of its columns; and the other tables that they read."""
    manifest = _manifest(output)
    nodes = {key: node for key, node in manifest.nodes.items() if stage in node.tags}
    models = {
        node.name: {column.name: column.data_type or "" for column in node.columns.values()}
        for node in nodes.values()
        if node.resource_type.value == "model"
    }
    read = {key for node in nodes.values() for key in node.depends_on_nodes if key not in nodes}
    others = [manifest.sources.get(key) or manifest.nodes.get(key) for key in sorted(read)]
    return models, [node.name for node in others if node is not None]


def build_models(work: WorkFile, selection: str) -> dict[str, float]:
    """Builds the models of a selection (`tag:staging`) in the work file; seconds by model.

    ModelsFailed names each model that failed, with the engine's message.
    """
    with work.stage_writes():
        return built(work, selection, DUCKDB)


def built(
    work: WorkFile, selection: str, output: str, variables: Mapping[str, str] | None = None
) -> dict[str, float]:
    """Builds the models of a selection where the output says; otherwise as `build_models`.

    `variables` are those of the profile for Spark: they say which server, and which database.
    """
    manifest = _manifest(output)
    if variables is not None:
        _place(manifest, variables["spark_schema"])
    result = _invoke(
        manifest,
        "build",
        work,
        work.folder / "dbt",
        ["--select", selection, "--exclude", "resource_type:unit_test"],
        output,
        variables,
    )
    failed = [
        f"{row.node.name}: {_without_stack(' '.join(str(row.message).split()))}"
        for row in result
        if row.status not in {"success", "pass"}
    ]
    if failed:
        raise ModelsFailed("dbt could not build:\n  " + "\n  ".join(failed))
    return {row.node.name: row.execution_time for row in result}


def _place(manifest: Manifest, database: str) -> None:
    """Puts all tables of a manifest into a database: it was read once for all runs, in which there is `main`."""
    for node in (*manifest.nodes.values(), *manifest.sources.values()):
        node.schema = database


def invocation(
    command: str,
    work: WorkFile,
    target: Path,
    arguments: list[str],
    output: str,
    *,
    is_parsed: bool,
    more: Mapping[str, str] | None = None,
) -> list[str]:
    """The arguments of dbt for a work file and `more` variables; its own files go to `target`.

    Where `is_parsed`, a manifest is given to dbt, which then writes none.
    """
    variables = {
        **(more or {}),
        "work": str(work.path),
        "spill": str(work.spill),
        "threads": work.limits.threads,
        "memory_limit": work.limits.memory,
    }
    return [
        command,
        *arguments,
        "--target",
        output,
        "--vars",
        json.dumps(variables),
        "--project-dir",
        str(PROJECT),
        "--profiles-dir",
        str(PROJECT),
        "--target-path",
        str(target),
        "--log-path",
        str(target),
        "--log-level",
        "none",
        "--quiet",
        "--no-write-json" if is_parsed else "--write-json",
        "--no-send-anonymous-usage-stats",
        "--no-version-check",
    ]


def _invoke(
    manifest: Manifest | None,
    command: str,
    work: WorkFile,
    target: Path,
    arguments: list[str],
    output: str = DUCKDB,
    variables: Mapping[str, str] | None = None,
) -> Any:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    with _told_by_us_alone():
        outcome = dbtRunner(manifest=manifest).invoke(
            invocation(
                command,
                work,
                target,
                arguments,
                output,
                is_parsed=manifest is not None,
                more=variables,
            )
        )
    # dbt keeps the file open, and then no gate could read it.
    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    if outcome.exception is not None:
        raise ModelsFailed(f"dbt could not start: {outcome.exception}")
    return outcome.result


@contextmanager
def _told_by_us_alone() -> Iterator[None]:
    """Hides what the environment says to dbt, which takes most of its options from there, too.

    DBT_EMPTY builds every model without a row, DBT_SAMPLE with some: all gates hold of such tables.
    """
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("DBT_")}
    try:
        yield
    finally:
        os.environ.update(hidden)
