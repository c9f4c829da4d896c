"""dbt in this process: the manifest, parsed once for a state of the project, and a stage's models."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from functools import cache
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from orchestration.foundations.shipped import shipped
from orchestration.pipeline.work_file import WorkFile

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest
    from dbt.contracts.graph.nodes import ModelNode

PROJECT = shipped("dbt_project")


class ModelsFailed(RuntimeError):
    """dbt could not build the models of a stage."""


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "creator-bonus"


@cache
def manifest_path() -> Path:
    """The manifest.json of the project as it is now, parsed if no process did so before.

    One file for each state of the project and version of dbt, shared by all homes: the work file's
    path is no part of it, only its stem.
    """
    digest = hashlib.sha256(f"{PROJECT} {version('dbt-core')} {version('dbt-duckdb')}".encode())
    for path in sorted(PROJECT.rglob("*")):
        if path.suffix in {".sql", ".yml", ".md", ".csv"} and "target" not in path.parts:
            digest.update(f"{path.relative_to(PROJECT)}\0".encode() + path.read_bytes())
    folder = _cache_folder() / digest.hexdigest()[:32]
    manifest = folder / "manifest.json"
    if not manifest.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if not manifest.exists():
                _parse(folder)
    return manifest


def _parse(folder: Path) -> None:
    fresh = folder.with_suffix(f".{os.getpid()}")
    shutil.rmtree(folder, ignore_errors=True)
    _invoke(None, "parse", WorkFile(fresh), fresh, [])
    fresh.rename(folder)


@cache
def _manifest() -> Manifest:
    from dbt.contracts.graph.manifest import Manifest

    return Manifest.from_msgpack((manifest_path().parent / "partial_parse.msgpack").read_bytes())


def compiled_models() -> list[ModelNode]:
    """The models with their columns as described and `compiled_code`, in no order of their own."""
    from dbt.contracts.graph.nodes import ModelNode

    with TemporaryDirectory() as scratch:
        folder, selection = Path(scratch), ["--select", "resource_type:model"]
        result = _invoke(_manifest(), "compile", WorkFile(folder), folder, selection)
    return [row.node for row in result if isinstance(row.node, ModelNode)]


def build_models(work: WorkFile, selection: str) -> dict[str, float]:
    """Builds the models of a selection (`tag:staging`) in the work file; seconds by model.

    ModelsFailed names each model that failed, with the engine's message.
    """
    with work.stage_writes():
        result = _invoke(
            _manifest(),
            "build",
            work,
            work.folder / "dbt",
            ["--select", selection, "--exclude", "resource_type:unit_test"],
        )
    failed = [
        f"{row.node.name}: {' '.join(str(row.message).split())}"
        for row in result
        if row.status not in {"success", "pass"}
    ]
    if failed:
        raise ModelsFailed("dbt could not build:\n  " + "\n  ".join(failed))
    return {row.node.name: row.execution_time for row in result}


def invocation(
    command: str, work: WorkFile, target: Path, arguments: list[str], *, is_parsed: bool
) -> list[str]:
    """The arguments of dbt for a work file; its own files go to `target`.

    Where `is_parsed`, a manifest is given to dbt, which then writes none.
    """
    variables = {
        "work": str(work.path),
        "spill": str(work.spill),
        "threads": work.limits.threads,
        "memory_limit": work.limits.memory,
    }
    return [
        command,
        *arguments,
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
    manifest: Manifest | None, command: str, work: WorkFile, target: Path, arguments: list[str]
) -> Any:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    outcome = dbtRunner(manifest=manifest).invoke(
        invocation(command, work, target, arguments, is_parsed=manifest is not None)
    )
    # dbt keeps the file open, and then no gate could read it.
    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    if outcome.exception is not None:
        raise ModelsFailed(f"dbt could not start: {outcome.exception}")
    return outcome.result
