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
    """Content that is no message of ISO 20022, or breaks its schema; says where and why."""


def message_names(kinds: tuple[str, ...]) -> list[str]:
    """The names of the messages of these kinds (`pain.002`) whose schemas are here, sorted."""
    return sorted(name.stem for kind in kinds for name in _FOLDER.glob(f"{kind}.*.xsd"))


@cache
def schema_of(name: str) -> Any:
    """The schema of a message, as lxml has it."""
    from lxml import etree

    return etree.XMLSchema(etree.parse(_FOLDER / f"{name}.xsd"))


def demand_valid(root: Any, name: str) -> None:
    """NoMessage, with line and element of the first fault, unless the schema of the message holds."""
    schema = schema_of(name)
    if schema.validate(root):
        return
    first, *more = schema.error_log
    what = re.sub(r"^Element '[^']*': ", "", re.sub(r"\{[^}]*\}", "", first.message))
    others = f" (and {len(more):,} more faults)" if more else ""
    raise NoMessage(
        f"line {first.line}, {_place(root, first.path)}: {shown(what, _LONGEST)}{others};"
        f" so it is no {name}"
    )


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


def parsed(content: bytes, kinds: tuple[str, ...]) -> Any:
    """The root of a message of one of these kinds that its schema holds; NoMessage else.

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
    demand_valid(root, _known_name(root, kinds))
    return root


def _document_type() -> NoMessage:
    return NoMessage("a document type (DOCTYPE), which no bank sends; it may be an attack")


def _known_name(root: Any, kinds: tuple[str, ...]) -> str:
    """The name of the message by the namespace of its root, if its schema is here."""
    tag = str(root.tag)
    namespace = tag.removeprefix("{").rpartition("}")[0]
    name, names = namespace.removeprefix(PREFIX), message_names(kinds)
    if namespace == PREFIX + name and name in names:
        return name
    found = f"the namespace '{shown(namespace, 80)}'" if namespace else "no namespace"
    raise NoMessage(
        f"<{shown(tag.rpartition('}')[2], 40)}> has {found}, expected {PREFIX} and one of"
        f" {', '.join(names)}; ask the bank for one of these"
    )
