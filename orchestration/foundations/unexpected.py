"""The message about an error that nobody foresaw: its kind, its first line, and its likely cause.

The rest of such texts is statements and their values, which may name people.
"""

from __future__ import annotations

from typing import Final

_ADVICE: Final = {
    "a disk or quota is full (df, df -i); what was published is unchanged. Free some space, then run again": (
        "No space left", "File too large", "disk is full", "disk I/O error", "quota exceeded",
    ),
    "who may write there? What was published is unchanged. Mend the permissions, then run again": (
        "Permission denied", "Read-only file system", "readonly database", "Operation not permitted",
    ),
    "no more files fit (df -i), or who may write there? What was published is unchanged. Mend it, then run again": (
        "unable to open database",
    ),
}  # fmt: skip


def unexpected(kind: str, text: str) -> str:
    """One line for an error of a class and its whole text."""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    said = f"{kind}: {first}" if first else kind
    for advice, signs in _ADVICE.items():
        if any(sign.lower() in text.lower() for sign in signs):
            return f"{said} - {advice}"
    return said
