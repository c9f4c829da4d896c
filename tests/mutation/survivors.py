"""What survived `mutmut run`, each tested once more in a process of its own.

    python -m tests.mutation.survivors [PATTERN] [-- PYTEST ARGUMENTS]

mutmut forks a process that has imported the code: a function that runs while a module is imported
(`values.Number`, `values.one_of`) has run by then, and none of its mutants could be seen. Here each
has an interpreter of its own. Prints what is left, with its change, to be judged in
docs/mutation.md. Exit status 1 if anything is left.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MUTANTS = ROOT / "mutants"


def survivors(pattern: str) -> list[str]:
    """Names of the mutants that no test has killed, of those that were run."""
    listed = subprocess.run(
        [sys.executable, "-m", "mutmut", "results"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    names = re.findall(r"^\s*(\S+): survived$", listed, re.MULTILINE)
    return [name for name in names if re.search(pattern, name)]


def is_killed(name: str, arguments: list[str]) -> bool:
    """Whether a test fails in a new process that runs this mutant from its first import on."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", *arguments],
        cwd=MUTANTS,
        capture_output=True,
        env={**os.environ, "MUTANT_UNDER_TEST": name},
    )
    return done.returncode != 0


def change(name: str) -> list[str]:
    """The lines that the mutant takes away and adds."""
    shown = subprocess.run(
        [sys.executable, "-m", "mutmut", "show", name], cwd=ROOT, capture_output=True, text=True
    ).stdout
    return [line for line in shown.splitlines() if re.match(r"[-+](?![-+])", line)]


def main(arguments: list[str]) -> int:
    pattern = arguments[0] if arguments and arguments[0] != "--" else ""
    given = arguments[arguments.index("--") + 1 :] if "--" in arguments else None
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    selection = given or config["tool"]["mutmut"]["pytest_add_cli_args_test_selection"]
    names = survivors(pattern)
    left = 0
    for name in names:
        if is_killed(name, selection):
            print(f"killed afresh {name}", flush=True)
        else:
            left += 1
            print("\n  ".join([f"survived {name}", *change(name)]), flush=True)
    print(f"{len(names) - left} of {len(names)} killed afresh, {left} left")
    return int(left > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
