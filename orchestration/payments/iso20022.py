"""The schemas of ISO 20022 messages that lie in `schemas/`, and messages held against them (§14).

A file from outside is hostile: document types, and so entities of whatever kind, are refused.
"""

from __future__ import annotations

import io
import re
from functools import cache
from pathlib import Path
from typing import Any, Final

from orchestration.foundations.texts import shown

PREFIX: Final = "urn:iso:std:iso:20022:tech:xsd:"
"""What the namespace of a message begins with; its name and version follow, as `pain.001.001.09`."""
_FOLDER: Final = Path(__file__).with_name("schemas")
_LONGEST: Final = 300


class NoMessage(ValueError):
    """Content that is no message of ISO 20022; says why."""


def message_names(kinds: tuple[str, ...]) -> list[str]:
    """The names of the messages of these kinds (`pain.002`) whose schemas are here, sorted."""
    return sorted(name.stem for kind in kinds for name in _FOLDER.glob(f"{kind}.*.xsd"))


@cache
def schema_of(name: str) -> Any:
    """The schema of a message, as lxml has it."""
    from lxml import etree

    return etree.XMLSchema(etree.parse(_FOLDER / f"{name}.xsd"))


def fault_of(root: Any, name: str) -> str | None:
    """The first fault of a message by its schema, with line and element; None if the schema holds."""
    schema = schema_of(name)
    if schema.validate(root):
        return None
    first, *more = schema.error_log
    what = re.sub(r"^Element '[^']*': ", "", re.sub(r"\{[^}]*\}", "", first.message))
    others = f" (and {len(more):,} more faults)" if more else ""
    return f"line {first.line}, {_place(root, first.path)}: {shown(what, _LONGEST)}{others}"


def _place(root: Any, path: str | None) -> str:
    """An element by the names of those that it is in; a number where its name stands there again."""
    found = root.getroottree().xpath(path) if path else []
    if not found:
        return "the message"
    element, steps = found[0], []
    while element is not None:
        its_name = str(element.tag).rpartition("}")[2]
        before = sum(1 for _ in element.itersiblings(element.tag, preceding=True))
        steps.append(shown(its_name, 40) + (f"[{before + 1}]" if before else ""))
        element = element.getparent()
    return "/".join(reversed(steps[:-1])) or steps[0]


def parsed(content: bytes, kinds: tuple[str, ...]) -> tuple[Any, str | None]:
    """The root of a message of one of these kinds, and how it breaks its schema; NoMessage if it is none.

    Comments and instructions are left out, so that no text ends where one stands within it.
    """
    from lxml import etree

    # Before it is parsed: a document type in the usual encoding costs nothing then.
    if b"<!DOCTYPE" in content:
        raise _document_type()
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )  # fmt: skip
    try:
        tree = etree.parse(io.BytesIO(content), parser)
    except etree.XMLSyntaxError as error:
        raise NoMessage(f"no XML ({shown(str(error.msg), _LONGEST)})") from None
    if tree.docinfo.doctype or tree.docinfo.internalDTD is not None:
        raise _document_type()
    root = tree.getroot()
    name = _name_of(root, kinds)
    if name not in message_names(kinds):
        known = ", ".join(message_names(kinds))
        return root, f"the schema of {shown(name, 80)} is not here, only those of {known}"
    return root, fault_of(root, name)


def _document_type() -> NoMessage:
    return NoMessage("a document type (DOCTYPE), which no bank sends; it may be an attack")


def _name_of(root: Any, kinds: tuple[str, ...]) -> str:
    """The name of the message, by the namespace of its root: of one of these kinds."""
    tag = str(root.tag)
    namespace = tag.removeprefix("{").rpartition("}")[0]
    name = namespace.removeprefix(PREFIX)
    if namespace == PREFIX + name and name.startswith(tuple(f"{kind}." for kind in kinds)):
        return name
    found = f"the namespace '{shown(namespace, 80)}'" if namespace else "no namespace"
    raise NoMessage(
        f"<{shown(tag.rpartition('}')[2], 40)}> has {found}, expected {PREFIX} and a version of"
        f" {' or '.join(kinds)}"
    )
