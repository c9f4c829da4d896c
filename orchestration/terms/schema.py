"""The program file as a JSON Schema, for editors and other tools (contract §1).

Belongs here: what the model says of each value, in the words of JSON Schema (draft 7, which editors
know best). Does not: what several values decide together (`rules`), which a schema cannot see, and
the meaning of a key, which the contract says and the caller gives.

The schema takes what the reader takes: an id or a name may be written as a number in YAML, and an
optional key may be null.
"""

from collections.abc import Mapping
from decimal import Decimal
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from orchestration.terms import model
from orchestration.terms.currencies import CURRENT_CURRENCIES
from orchestration.terms.values import Number, Whole

DRAFT: Final = "http://json-schema.org/draft-07/schema#"
NO_CONTROL_CHARACTERS: Final = r"^[^\u0000-\u001f\u007f-\u009f]*$"
DAY: Final = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"

Schema = dict[str, Any]
_NULL: Final[Schema] = {"type": "null"}


def program_schema(meanings: Mapping[str, str]) -> Schema:
    """The schema of a whole program file.

    `meanings` are the descriptions by key path, as `program_paths` writes them; a key without one
    has no description.
    """
    found = _object(model.Program, "", meanings)
    return {"$schema": DRAFT, "title": "Program file of creator-bonus", **found}


def program_paths(schema: Schema) -> dict[str, Schema]:
    """The schema of each key by its path: `periods[].key`, `weights.*.views`.

    Where a key may be null its schema is that of its value.
    """
    return dict(_paths(schema, ""))


def _paths(schema: Schema, path: str) -> list[tuple[str, Schema]]:
    schema = value_schema(schema)
    found: list[tuple[str, Schema]] = []
    for key, value in schema.get("properties", {}).items():
        own = f"{path}.{key}" if path else key
        found += [(own, value_schema(value)), *_paths(value, own)]
    if "items" in schema:
        found += _paths(schema["items"], f"{path}[]")
    if isinstance(schema.get("additionalProperties"), dict):
        found += _paths(schema["additionalProperties"], f"{path}.*")
    return found


def value_schema(schema: Schema) -> Schema:
    """The schema without the null that an optional key may be."""
    first: Schema = schema["anyOf"][0] if "anyOf" in schema else schema
    return first


def _object(part: type[BaseModel], path: str, meanings: Mapping[str, str]) -> Schema:
    fields = part.model_fields
    return {
        "type": "object",
        "properties": {key: _property(key, fields[key], path, meanings) for key in fields},
        "required": [key for key, field in fields.items() if field.is_required()],
        "additionalProperties": False,
    }


def _property(key: str, field: FieldInfo, path: str, meanings: Mapping[str, str]) -> Schema:
    own = f"{path}.{key}" if path else key
    found = _schema(Annotated[field.annotation, *field.metadata, None], own, meanings)
    described = {"description": meanings[own]} if own in meanings else {}
    if field.is_required():
        return {**described, **found}
    default = {"default": int(field.default)} if _is_number(field.default) else {}
    return {**described, **default, "anyOf": [found, _NULL]}


def _schema(annotation: Any, path: str, meanings: Mapping[str, str]) -> Schema:
    base, reader = _taken_apart(annotation)
    if reader is not None:
        return _value(base, reader)
    if isinstance(base, type) and issubclass(base, BaseModel):
        return _object(base, path, meanings)
    arguments = get_args(base)
    if get_origin(base) is tuple:
        return {"type": "array", "items": _schema(arguments[0], f"{path}[]", meanings)}
    assert get_origin(base) is Mapping, f"{path}: no schema is known for {base}"
    keys = _schema(arguments[0], path, meanings)
    return {
        "type": "object",
        "propertyNames": {**keys, "type": "string"},
        "additionalProperties": _schema(arguments[1], f"{path}.*", meanings),
    }


def _value(base: Any, reader: object) -> Schema:
    """The schema of one value: from the reader's bounds, from the words of a Literal, or text."""
    if isinstance(reader, Whole):
        return {"type": "integer", "minimum": reader.low, "maximum": reader.high}
    if isinstance(reader, Number):
        low = "exclusiveMinimum" if reader.is_low_out else "minimum"
        return {"type": "number", low: reader.low, "maximum": reader.high}
    if get_origin(base) is Literal:
        return {"enum": list(get_args(base))}
    return _TEXTS.get(reader) or dict(_BY_TYPE[base])


def _taken_apart(annotation: Any) -> tuple[Any, object]:
    """The type without None and metadata, and the reader among its metadata, if there is one."""
    reader: object = None
    while True:
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            annotation, *metadata = arguments
            readers = [each.func for each in metadata if isinstance(each, BeforeValidator)]
            reader = readers[0] if readers else reader
        elif origin in (Union, UnionType):
            (annotation,) = (each for each in arguments if each is not type(None))
        else:
            return annotation, reader


def _reader(annotation: Any) -> object:
    return _taken_apart(annotation)[1]


def _is_number(value: object) -> bool:
    return isinstance(value, int | Decimal)


# What a reader of its own narrows further than is known here.
_BY_TYPE: Final[dict[object, Schema]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    Decimal: {"type": "number"},
}

# YAML gives an unquoted 2024 to an editor as a number, and the reader takes it as text.
_TEXTS: Final[dict[object, Schema]] = {
    _reader(model.Name): {
        "type": ["string", "integer"],
        "pattern": "^[a-z0-9][a-z0-9-]{0,39}$",
        "minimum": 0,
    },
    _reader(model.Id): {
        "type": ["string", "number", "boolean"],
        "minLength": 1,
        "maxLength": 128,
        "pattern": NO_CONTROL_CHARACTERS,
    },
    _reader(model.CurrencyPair): {
        "type": "string",
        "pattern": "^[A-Z]{3}/[A-Z]{3}$",
        "examples": ["USD/JPY"],
    },
    _reader(model.Currency): {"type": "string", "enum": list(CURRENT_CURRENCIES)},
    _reader(model.TimeZone): {"type": "string", "examples": ["America/Los_Angeles", "Asia/Tokyo"]},
    _reader(model.Day): {"type": "string", "pattern": DAY},
}
