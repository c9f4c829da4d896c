"""`python -m tests.proof.replay FOLDER`: runs every case in it, prints the hashes of what is published.

A process of its own, so that it can be started under another time zone and locale.
"""

from __future__ import annotations

import hashlib
import json
import locale
import sys
import time
from pathlib import Path

from tests.conftest import published_files
from tests.proof.cases import FORMATS, Case, Layout
from tests.proof.proof import computed


def hashes(case: Case) -> dict[str, str]:
    """SHA-256 of each published file, by path."""
    with computed(case, Layout(formats=FORMATS, rows_a_file=9, seed=2)) as product:
        return {
            path: hashlib.sha256(content).hexdigest()
            for path, content in published_files(product.files.home).items()
        }


def main(folder: Path) -> None:
    """Prints JSON: name of the case -> path -> hash."""
    try:
        locale.setlocale(locale.LC_ALL, "")
    except locale.Error:  # a machine without that locale still has its time zone
        locale.setlocale(locale.LC_ALL, "C")
    time.tzset()
    found = {
        path.stem: hashes(Case.from_json(path.read_text(encoding="utf-8")))
        for path in sorted(folder.glob("*.json"))
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
