"""YAML as a tree: what is read, and what is refused before anyone asks what it means."""

from cProfile import Profile

import pytest

from orchestration.terms.yaml_reader import (
    MAX_BYTES,
    MAX_DEPTH,
    MappingNode,
    Node,
    Scalar,
    SequenceNode,
    read_yaml,
)


def read(text: str | bytes) -> Node:
    content = text.encode() if isinstance(text, str) else text
    root, problems = read_yaml(content, "file")
    assert root is not None
    assert problems == []
    return root


def refused(text: str | bytes) -> list[str]:
    content = text.encode() if isinstance(text, str) else text
    _, problems = read_yaml(content, "file")
    return [str(problem) for problem in problems]


def test_nodes_know_their_lines() -> None:
    root = read("a: 1\nb:\n  - x\n  - {c: y}\n")
    assert isinstance(root, MappingNode)
    assert root.key_lines == {"a": 1, "b": 2}
    elements = root["b"]
    assert isinstance(elements, SequenceNode)
    assert [element.line for element in elements] == [3, 4]


@pytest.mark.parametrize("text", ["NO", "2024", "0.10", "0x1F", "true", "2024-01-01", "1_000"])
def test_a_scalar_keeps_the_text_it_is_written_as(text: str) -> None:
    assert read(text) == Scalar(text, is_plain=True, line=1)


@pytest.mark.parametrize("text", ["'18'", '"18"', "|-\n  18", ">-\n  18"])
def test_a_quoted_or_block_scalar_is_not_plain(text: str) -> None:
    assert read(text) == Scalar("18", is_plain=False, line=1)


@pytest.mark.parametrize("text", ["null", "Null", "NULL", "~", "--- "])
def test_null_is_what_yaml_1_2_calls_null(text: str) -> None:
    root = read(text)
    assert isinstance(root, Scalar)
    assert root.is_null


@pytest.mark.parametrize("text", ["'null'", '""', "nil", "none", "nULL"])
def test_other_words_are_not_null(text: str) -> None:
    root = read(text)
    assert isinstance(root, Scalar)
    assert not root.is_null


def test_a_byte_order_mark_is_tolerated() -> None:
    assert read(b"\xef\xbb\xbfa: 1") == read("a: 1")


def test_size_limit() -> None:
    assert read("x" * MAX_BYTES) == Scalar("x" * MAX_BYTES, is_plain=True, line=1)
    assert refused("x" * (MAX_BYTES + 1)) == [
        "file: found more than 262144 bytes, expected at most 262144 bytes"
    ]


def test_text_must_be_utf_8() -> None:
    assert refused(b"\na: 1\nb: \xff\n\nc: 2\n") == [
        "file:3: found the byte 0xff, expected text in UTF-8"
    ]
    assert refused("a: 1".encode("utf-16")) == [
        "file:1: found the byte 0xff, expected text in UTF-8"
    ]


@pytest.mark.parametrize("text", ["", "# only a comment\n", "\n\n"])
def test_a_file_without_a_document_is_refused(text: str) -> None:
    assert refused(text) == ["file: found no document, expected one document"]


def test_a_second_document_is_refused() -> None:
    assert refused("a: 1\n---\nb: 2\n") == [
        "file:2: found a second document, expected one document"
    ]


def test_a_document_of_yaml_1_2_may_say_so_and_another_may_not() -> None:
    read("%YAML 1.2\n---\na: 1\n")
    assert refused("%YAML 1.1\n---\na: 1\n") == ["file:2: found %YAML 1.1, expected YAML 1.2"]


def test_anchors_aliases_and_tags_are_each_named_with_their_line() -> None:
    assert refused("a: &x 1\nb: *x\nc: !!str 1\nd: !mine {}\ne: &y []\n") == [
        "file:1: a: found the anchor &x, expected no anchors",
        "file:2: b: found the alias *x, expected the value itself",
        "file:3: c: found the tag tag:yaml.org,2002:str, expected no tags",
        "file:4: d: found the tag !mine, expected no tags",
        "file:5: e: found the anchor &y, expected no anchors",
    ]


def test_an_alias_keeps_the_place_of_its_value() -> None:
    root, _ = read_yaml(b"a:\n  - &x 1\n  - *x\n  - 2\n", "file")
    assert root == {
        "a": [Scalar(text, True, line) for text, line in (("1", 2), ("*x", 3), ("2", 4))]
    }


def test_a_key_may_have_no_anchor_alias_or_tag_either() -> None:
    assert len(refused("&a x: 1\n!t y: 2\n*a : 3\n")) == 3


def test_a_repeated_key_is_refused_and_the_first_is_kept() -> None:
    root, problems = read_yaml(b"a: {b: 1,\n b: 2}\n", "file")
    assert [str(problem) for problem in problems] == [
        "file:2: a.b: found the key again (first on line 1), expected each key once"
    ]
    assert isinstance(root, MappingNode)
    assert root["a"] == {"b": Scalar("1", is_plain=True, line=1)}


def test_keys_are_compared_as_text() -> None:
    assert len(refused("1: x\n'1': y\n")) == 1
    read("1: x\n1.0: y\n")


def test_keys_must_be_text() -> None:
    assert refused("[a]: 1\n? {b: 2}\n: 3\n~: 4\n: 5\n") == [
        "file:1: found a list as a key, expected text as a key",
        "file:2: found a mapping as a key, expected text as a key",
        'file:4: found null as a key, expected text as a key ("null" if that is it)',
        'file:5: found null as a key, expected text as a key ("null" if that is it)',
    ]
    read("'null': 1\n'': 2\n")


def test_what_stands_below_a_key_that_is_none_is_named_and_goes_nowhere() -> None:
    root, problems = read_yaml(
        b"top:\n  - kept: 1\n  - [a]: {in: &x 1}\n    ~: &y 2\n    {b: 1}: &z 3\n    kept: 2\n",
        "file",
    )
    assert [str(problem) for problem in problems] == [
        "file:3: top[1]: found a list as a key, expected text as a key",
        'file:3: top[1]."?".in: found the anchor &x, expected no anchors',
        'file:4: top[1]: found null as a key, expected text as a key ("null" if that is it)',
        "file:4: top[1].null: found the anchor &y, expected no anchors",
        "file:5: top[1]: found a mapping as a key, expected text as a key",
        'file:5: top[1]."?": found the anchor &z, expected no anchors',
    ]
    assert root == {"top": [{"kept": Scalar("1", True, 2)}, {"kept": Scalar("2", True, 6)}]}


def test_what_stands_below_a_repeated_key_is_named_and_goes_nowhere() -> None:
    root, problems = read_yaml(b"a:\n  b: 1\n  b: &x [2]\n  c: 3\n", "file")
    assert [str(problem) for problem in problems] == [
        "file:3: a.b: found the key again (first on line 2), expected each key once",
        "file:3: a.b: found the anchor &x, expected no anchors",
    ]
    assert root == {"a": {"b": Scalar("1", True, 2), "c": Scalar("3", True, 4)}}


def test_what_ends_the_reading_is_named_with_its_line() -> None:
    deep = "a: 1\nb:\n  " + "[" * (MAX_DEPTH + 1)
    assert refused(deep) == [f"file:3: found deeper nesting, expected at most {MAX_DEPTH} levels"]


def test_nesting_limit() -> None:
    read("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    too_deep = "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)
    assert refused(too_deep)[-1].endswith("found deeper nesting, expected at most 20 levels")


@pytest.mark.parametrize(
    ("text", "where"),
    [("a: 1\nb: [1, 2\n", "file:3:1:"), ("a: b: c\n", "file:1:5:"), ("a: '", "file:1:5:")],
)
def test_a_syntax_error_gives_line_and_column(text: str, where: str) -> None:
    (problem,) = refused(text)
    assert problem.startswith(f"{where} found a syntax error (")
    assert problem.endswith("), expected YAML 1.2")


def test_a_syntax_error_says_what_the_parser_says() -> None:
    assert refused("a: b: c\n") == [
        "file:1:5: found a syntax error (mapping values are not allowed here), expected YAML 1.2"
    ]


def test_what_was_found_before_a_syntax_error_is_told_too() -> None:
    assert len(refused("a: &x 1\na: 2\n]")) == 3


def test_a_character_that_yaml_forbids_gives_line_and_column() -> None:
    assert refused("a: 1\n\nb: \x01") == [
        "file:3:4: found the character U+0001, expected text that YAML allows"
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [('a: "\\U99999999"', "Python int too large"), ("%YAML 1.3\n---\na: 1", "version minor part")],
)
def test_what_breaks_the_parser_itself_is_a_problem_of_the_file(text: str, why: str) -> None:
    (problem,) = refused(text)
    assert problem.startswith(f"file:1: found something that the YAML parser cannot read ({why}")
    assert problem.endswith("), expected YAML 1.2")


def test_half_a_character_is_refused() -> None:
    """It could never be written out again as UTF-8."""
    assert refused(r'a: "\ud83d"') == [
        r"file:1: a: found \ud83d, expected text without surrogate escapes"
    ]


@pytest.mark.parametrize("character", ["\u0085", "\u2028", "\u2029"])
def test_line_breaks_of_yaml_1_1_are_refused_rather_than_folded(character: str) -> None:
    assert refused(f"\na: 1\nb: 'x{character}y'\n\n\nc: 2\n") == [
        f"file:3: found the character U+{ord(character):04X},"
        " expected LF or CRLF, or in quotes an escape, as line break"
    ]


HALF, WHOLE = 8 * 1024, 16 * 1024
REPEATED = {
    "[": "deeper nesting",
    "{a: ": "deeper nesting",
    "- ": "deeper nesting",
    "? ": "deeper nesting",
    "[{": "deeper nesting",
    "&a ": "a syntax error",
    "!": "the tag",
    '"': "a syntax error",
    "a:\n": "the key again",
}


def repeated(unit: str, size: int) -> bytes:
    return (unit * size)[: size // len(unit) * len(unit)].encode()


def calls(content: bytes) -> int:
    """Calls of functions while it is read: its work, whatever the machine."""
    with Profile() as profile:
        read_yaml(content, "file")
    return sum(entry.callcount for entry in profile.getstats())


@pytest.mark.parametrize("unit", [*REPEATED, "- a\n"])
def test_hostile_repetition_costs_no_more_than_its_length(unit: str) -> None:
    """Twice as long is twice the work at the most, and a little; a limit that ends it makes it equal."""
    assert calls(repeated(unit, WHOLE)) <= 2.1 * calls(repeated(unit, HALF))


@pytest.mark.parametrize(("unit", "found"), REPEATED.items())
def test_hostile_repetition_is_refused(unit: str, found: str) -> None:
    assert f"found {found}" in refused(repeated(unit, WHOLE))[-1]


def test_many_nodes_are_read_one_by_one() -> None:
    root = read(repeated("- a\n", WHOLE))
    assert isinstance(root, SequenceNode)
    assert len(root) == WHOLE // len("- a\n")
