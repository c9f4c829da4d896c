"""docs/contract/: its tables, read; and the JSON Schemas beside it, which `make docs` writes.

A key's or a column's meaning is said once, in the tables of the contract. What it may be is the
model's and `datasets.py`'s to say. A schema has both.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orchestration.foundations.shipped import shipped
from orchestration.ingest.datasets import DATASETS
from orchestration.ingest.row_schema import row_schema
from orchestration.terms.schema import Schema, program_schema

CONTRACT: Final = shipped("docs/contract")
PROGRAM_FILE: Final = "01-program-file.md"
LANDING_DATA: Final = "02-landing-data.md"


@dataclass(frozen=True, slots=True)
class DocTable:
    """A table of a document: the heading that it stands under, and its rows by column."""

    heading: str
    columns: tuple[str, ...]
    rows: tuple[dict[str, str], ...]


def doc_tables(text: str) -> list[DocTable]:
    """All tables of a Markdown text, in their order; what stands in code blocks is none."""
    found: list[DocTable] = []
    heading, lines = "", []
    for line in [*_outside_code(text), ""]:
        if line.startswith("|"):
            lines.append([cell.strip() for cell in line.strip("|").split("|")])
            continue
        if lines:
            header, _, *rows = lines
            by_column = tuple(dict(zip(header, row, strict=True)) for row in rows)
            found.append(DocTable(heading, tuple(header), by_column))
            lines = []
        if line.startswith("#"):
            heading = line.lstrip("#").strip()
    return found


def table_under(text: str, heading: str) -> DocTable:
    """The first table under a heading; LookupError if there is none."""
    for table in doc_tables(text):
        if table.heading == heading:
            return table
    raise LookupError(f"no table under the heading {heading!r}")


def schemas(contract: Path = CONTRACT) -> dict[str, str]:
    """The text of each schema file by its name below the folder of the contract."""
    program = (contract / PROGRAM_FILE).read_text(encoding="utf-8")
    landing = (contract / LANDING_DATA).read_text(encoding="utf-8")
    found = {"program.schema.json": program_schema(_meanings(table_under(program, "Keys"), "key"))}
    for dataset in DATASETS:
        meanings = _meanings(table_under(landing, dataset.name), "column")
        found[f"rows/{dataset.name}.schema.json"] = row_schema(dataset, meanings)
    return {name: _text(schema) for name, schema in found.items()}


def _meanings(table: DocTable, named_by: str) -> dict[str, str]:
    return {row[named_by].strip("`"): row["meaning"].replace("**", "") for row in table.rows}


def _outside_code(text: str) -> Iterator[str]:
    is_code = False
    for line in text.splitlines():
        if line.startswith("```"):
            is_code = not is_code
        elif not is_code:
            yield line


def _text(schema: Schema) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def main(contract: Path = CONTRACT) -> None:
    """Writes the schemas."""
    for name, text in schemas(contract).items():
        path = contract / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
