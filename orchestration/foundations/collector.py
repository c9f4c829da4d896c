"""The garbage collector: how often Python looks for objects that hold each other in a circle."""

from __future__ import annotations

import gc
from typing import Final

_NEW_OBJECTS: Final = 50_000


def collect_seldom() -> None:
    """Has Python look for circles after 50,000 new objects, not after each 700, as it does by itself.

    Dagster, dbt and Great Expectations make hundreds of thousands of objects as they are imported, all of
    which stay: to look through them again and again is a fifth of what a small run costs.
    """
    gc.set_threshold(_NEW_OBJECTS)
