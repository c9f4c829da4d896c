"""Files that are no code and belong to the product: in a checkout at its root, in a wheel in the package.

`hatch_build.py` puts them into the wheel, under the names that `shipped` takes.
"""

from pathlib import Path
from typing import Final

_CHECKOUT: Final = Path(__file__).resolve().parents[2]
_WHEEL: Final = Path(__file__).resolve().parents[1] / "shipped"


def shipped(name: str) -> Path:
    """The path of a file or folder, by its path in a checkout: `dbt_project`, `docs/contract`."""
    return (_WHEEL if _WHEEL.is_dir() else _CHECKOUT) / name
