"""What the landing directory holds, as one digest: a gate's verdict is about these bytes and no others."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path


def landing_digest(landing: Path, cache_file: Path) -> str:
    """SHA-256 over path, size and SHA-256 of every file below `landing`, in the order of the paths.

    `cache_file` remembers digests by path, size, times and inode, so that big deliveries are read
    once.
    """
    known = _read_cache(cache_file)
    seen: dict[str, list[str | int]] = {}
    digest = hashlib.sha256()
    for path in sorted(_files(landing)):
        stat = path.stat()
        key = os.fsencode(path).hex()
        stamp: list[str | int] = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
        entry = known.get(key)
        sha256 = str(entry[-1]) if entry and entry[:-1] == stamp else _sha256(path)
        seen[key] = [*stamp, sha256]
        digest.update(os.fsencode(path.relative_to(landing)))
        digest.update(f"\0{stat.st_size}\0{sha256}\n".encode())
    _write_cache(cache_file, known | seen)
    return digest.hexdigest()


def _files(landing: Path) -> Iterator[Path]:
    """Regular files that can be read; the others have no content, and ingest quarantines them."""
    for folder, names, files in os.walk(landing, followlinks=False):
        names[:] = [name for name in names if not name.startswith((".", "_"))]
        for name in files:
            path = Path(folder, name)
            if not name.startswith((".", "_")) and path.is_file() and os.access(path, os.R_OK):
                yield path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_cache(path: Path) -> dict[str, list[str | int]]:
    try:
        loaded: dict[str, list[str | int]] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return loaded


def _write_cache(path: Path, content: dict[str, list[str | int]]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(json.dumps(content), encoding="utf-8")
    fresh.replace(path)
