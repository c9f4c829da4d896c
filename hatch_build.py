"""What the wheel has beside the code, put where `orchestration.foundations.shipped` looks for it.

The lock goes in as constraints: the versions that everything was tested with, without hashes, since
pip would then ask for a hash of this wheel too.
"""

import re
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

INTO = "orchestration/shipped"
PATTERNS = (
    "dbt_project/*.yml", "dbt_project/models/**/*", "dbt_project/macros/**/*",
    "docs/contract/**/*", "programs/*.yaml", "workspace.yaml",
    "check_statement.py", "recount.py",
)  # fmt: skip


class Shipped(BuildHookInterface[Any]):
    """Adds the files to a wheel; an editable install finds them in the checkout."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        root = Path(self.root)
        constraints = Path(self.directory) / "constraints.txt"
        constraints.parent.mkdir(parents=True, exist_ok=True)
        lock = (root / "requirements.lock").read_text(encoding="utf-8")
        constraints.write_text(constraints_of(lock), encoding="utf-8")
        files = [path for pattern in PATTERNS for path in root.glob(pattern) if path.is_file()]
        build_data["force_include"] |= {
            str(path): f"{INTO}/{path.relative_to(root).as_posix()}" for path in sorted(files)
        }
        build_data["force_include"][str(constraints)] = f"{INTO}/constraints.txt"


def constraints_of(lock: str) -> str:
    """The versions of a lock with hashes, one a line; without extras, which pip takes in none."""
    pinned = re.findall(r"^([\w.-]+)(?:\[.*?\])?(==[^\\\n]*?)\s*\\?$", lock, re.MULTILINE)
    return "".join(f"{name}{rest}\n" for name, rest in pinned)


def get_build_hook() -> type[BuildHookInterface[Any]]:
    return Shipped
