"""A process of its own for Great Expectations: `python -m expectations.worker`.

It costs seconds to import, which this way pass beside ingest; and its connections cannot get in the
way of the ones of dbt. One JSON line in (suite, database, settings of DuckDB), one JSON line out. Ends with its input.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from orchestration.foundations.collector import collect_seldom


def main() -> None:
    """Answers requests until standard input ends; prints of the library go to standard error."""
    answers, sys.stdout = sys.stdout, sys.stderr
    collect_seldom()
    from expectations.runner import run_suite
    from expectations.suites import SUITES

    for line in sys.stdin:
        request = json.loads(line)
        name, database = request["suite"], Path(request["database"])
        result = run_suite(name, SUITES[name], database, request["settings"])
        answers.write(json.dumps(result.to_json()) + "\n")
        answers.flush()
    # Nothing is left to be written. To take down all that was imported would cost most of a second.
    os._exit(0)


if __name__ == "__main__":
    main()
