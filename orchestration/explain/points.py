"""§5: from increments to points, for the eligible posts of one creator."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from orchestration.explain.expression import Expression, greatest, half_even, named, number, total
from orchestration.explain.rows import CreatorRows, Row
from orchestration.explain.steps import AUDIENCE_VALUE, POINTS, Step, Steps, program_number
from orchestration.foundations.messages import Message
from orchestration.terms.counts import ALL_COUNTS
from orchestration.terms.model import Program


def explain_points(steps: Steps, program: Program, rows: CreatorRows) -> dict[str, Step]:
    """The steps of the audience value of each segment and of the points of each eligible post.

    Returns the latter by post_id.
    """
    if not rows.post_scores:
        return {}
    audience = {row.key["segment_no"]: _audience_value(steps, row) for row in rows.segments}
    versions = {row.key["segment_no"]: _version_no(program, row) for row in rows.segments}
    increments: dict[str | int, list[Row]] = defaultdict(list)
    for row in rows.increments:
        increments[row.key["post_id"]].append(row)
    found = {}
    for post in rows.post_scores:
        post_id, content_type = str(post.key["post_id"]), post.text("content_type")
        gained = total(
            audience[segment].as_input(f"a{segment}") * weighed
            for row in increments[post_id]
            for segment in (int(row.key["segment_no"]),)
            for weighed in _weighed(program, versions[segment], content_type, row)
        )
        found[post_id] = steps.add(
            f"points:{post_id}",
            "5",
            Message("Points of post %(post)s", {"post": post_id}),
            POINTS,
            half_even(greatest(gained, number(0)), 4),
            post.text("points"),
        )
    return found


def _audience_value(steps: Steps, segment: Row) -> Step:
    number_of = segment.key["segment_no"]
    return steps.add(
        f"audience:{number_of}",
        "5",
        Message(
            "Audience value from %(start)s to %(end)s",
            {"start": segment.text("starts_at"), "end": segment.text("ends_at")},
        ),
        AUDIENCE_VALUE,
        named("a", segment.cell("audience_value")),
    )


def _version_no(program: Program, segment: Row) -> int:
    version = int(segment.text("terms_version"))
    return next(no for no, terms in enumerate(program.terms) if terms.version == version)


def _weighed(
    program: Program, version_no: int, content_type: str, increment: Row
) -> Iterator[Expression]:
    """Weight times increment, over the counts whose weight is given; nothing where none is."""
    weights = program.terms[version_no].weights.get(content_type)
    if weights is None:
        return
    given = [
        program_number(
            f"w{count.letter}{increment.key['segment_no']}",
            getattr(weights, count.name),
            *("terms", version_no, "weights", content_type, count.name),
        )
        * named(f"{count.letter}{increment.key['segment_no']}", increment.cell(count.scored))
        for count in ALL_COUNTS
        if count.name in weights.model_fields_set
    ]
    if given:
        yield total(given)
