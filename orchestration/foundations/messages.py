"""Texts for people that are translated where a page is in another language (gettext).

The English text is the key of its catalogue entry; `make messages` finds it where it stands in a call
of `msgid` or `Message`. Belongs here: the marking. Does not: catalogues (`statements/languages.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


def msgid(text: str) -> str:
    """The text itself; marks it as one that the catalogues have."""
    return text


@dataclass(frozen=True, slots=True)
class Message:
    """An English text with named places, as `%(post)s`, and what stands there.

    Without values it is the text as it stands, with a sign of percent too.
    """

    text: str
    values: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """The text in English."""
        return self.text % self.values if self.values else self.text
