"""Libraries that Great Expectations imports for expectations of no suite of ours, put off until one is used.

They are a third of the seconds that it takes to import, in every run (docs/performance.md).
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any, Final

STATISTICS_AND_CHARTS: Final = ("scipy.stats", "altair")


class PutOff(ModuleType):
    """Stands for a module, which is imported when something in it is asked for.

    Not `importlib.util.LazyLoader`: by it a second `import` of the name imports the module (Python 3.11).
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__path__":
            raise AttributeError(name)  # who asks every module for it wants nothing of this one
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def put_off() -> None:
    """Puts off what was not imported before; to be called before Great Expectations is imported."""
    for name in STATISTICS_AND_CHARTS:
        sys.modules.setdefault(name, PutOff(name))
