"""The program file as a JSON Schema: what an editor is told of each key (contract §1)."""

from __future__ import annotations

from typing import Any

from orchestration.terms.schema import program_paths, program_schema, value_schema

SCHEMA = program_schema({"currency": "of all", "periods[].budget": "the most"})
PATHS = program_paths(SCHEMA)


def terms_property(*keys: str) -> Any:
    """The property of a key of a terms version, null included."""
    found = SCHEMA["properties"]["terms"]["items"]
    for key in keys:
        found = value_schema(found)
        found = found["additionalProperties"] if key == "*" else found["properties"][key]
    return found


def test_numbers_have_the_bounds_of_their_readers() -> None:
    assert PATHS["terms[].weights.*.views"] == {"type": "number", "minimum": 0, "maximum": 10**4}
    assert PATHS["terms[].payout.rates.*[].up_to"] == {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 10**15,
    }
    assert PATHS["terms[].version"] == {"type": "integer", "minimum": 1, "maximum": 10**15}


def test_an_optional_key_may_be_null_and_has_its_default() -> None:
    assert terms_property("eligibility", "minimum_views") == {
        "default": 0,
        "anyOf": [{"type": "integer", "minimum": 0, "maximum": 10**15}, {"type": "null"}],
    }
    assert "default" not in terms_property("eligibility", "maximum_posts")
    assert terms_property("weights", "*", "likes")["default"] == 0
    assert "anyOf" not in terms_property("eligibility", "counts_posts")


def test_words_are_those_of_the_model() -> None:
    assert PATHS["terms[].payout.method"] == {"enum": ["rate", "pool"]}
    assert PATHS["terms[].eligibility.excludes"] == {
        "type": "array",
        "items": {"enum": ["branded_content", "collab", "watermark", "not_original"]},
    }


def test_texts_have_the_pattern_of_their_kind() -> None:
    assert PATHS["program"]["pattern"] == "^[a-z0-9][a-z0-9-]{0,39}$"
    assert PATHS["periods[].starts_on"] == {
        "type": "string",
        "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    }
    assert {"EUR", "JPY", "KWD"} < set(PATHS["currency"]["enum"])
    assert PATHS["withholding[].tax_form"]["maxLength"] == 128


def test_keys_of_a_mapping_are_of_their_kind_and_its_values_too() -> None:
    minimum_payout = PATHS["minimum_payout"]
    assert minimum_payout["propertyNames"]["type"] == "string"
    assert "USD" in minimum_payout["propertyNames"]["enum"]
    assert minimum_payout["additionalProperties"]["maximum"] == 10**12
    # A key is text, also where a value of the kind may be written as a number.
    assert PATHS["markets"]["propertyNames"]["type"] == "string"


def test_a_pair_of_currencies_has_its_pattern_and_its_rate_the_bounds_of_one() -> None:
    confirmed = PATHS["periods[].fx_confirmed"]
    assert confirmed["propertyNames"]["pattern"] == "^[A-Z]{3}/[A-Z]{3}$"
    assert confirmed["additionalProperties"] == {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 10**15,
    }


def test_no_part_has_other_keys_and_the_required_ones_are_said() -> None:
    period = SCHEMA["properties"]["periods"]["items"]
    assert period["additionalProperties"] is False
    assert period["required"] == ["key", "starts_on", "ends_on", "closes_on", "fx_on", "pays_on"]
    assert SCHEMA["additionalProperties"] is False
    assert "terminated_on" not in SCHEMA["required"]


def test_a_meaning_stands_at_its_key_and_nowhere_else() -> None:
    described = []

    def look(schema: Any, path: str) -> None:
        if isinstance(schema, dict):
            if isinstance(schema.get("description"), str):
                described.append((path, schema["description"]))
            for key, part in schema.items():
                look(part, f"{path}/{key}")

    look(SCHEMA, "")
    assert described == [
        ("/properties/currency", "of all"),
        ("/properties/periods/items/properties/budget", "the most"),
    ]
