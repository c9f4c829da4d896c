"""The two errors that stop a run on purpose: the state does not allow it, or a gate has not held; and their texts."""

from __future__ import annotations

from expectations.suite import GateResult, Result, Stake
from orchestration.terms.currencies import money_text


class Refused(RuntimeError):
    """The state of the home does not allow what was asked; says what to do."""


class GateFailed(RuntimeError):
    """A gate has not held: what was asked for is blocked, and nothing has changed (§8).

    `period` is the one whose gate it is. `is_settled_anew` says that it is a later period than the
    one that was run, closed or withdrawn.
    """

    def __init__(
        self,
        program: str,
        period: str,
        stage: str,
        result: GateResult,
        *,
        is_settled_anew: bool = False,
    ) -> None:
        self.program = program
        self.period = period
        self.stage = stage
        self.result = result
        self.is_settled_anew = is_settled_anew
        super().__init__(summarize(stage, result, period if is_settled_anew else None))


def summarize(stage: str, result: GateResult, period: str | None = None) -> str:
    """The text of a blocked run for logs, exceptions and alerts: expectations and counts.

    `period` is given where the gate is that of a later period, which is settled anew.

    No rows, since they hold ids of people, and not why an expectation could not be evaluated, since
    an engine's message may quote a value. Both stand in the checks' metadata.
    """
    lines = [_first_line(stage, period)]
    for row in result.results:
        if row.blocks and row.state == "failed":
            lines.append(f"  {row.name}: {row.counted}: {row.means}")
        elif row.blocks:
            lines.append(f"  {row.name}: could not be evaluated; the check says why")
    if result.stake is not None:
        lines.append(f"  at stake: {at_stake(result.stake)}")
    return "\n".join(lines)


def describe(stage: str, result: GateResult, period: str | None = None) -> str:
    """The text of a blocked run for its own terminal: `summarize`, and the first rows (§8)."""
    lines = [_first_line(stage, period)]
    for row in result.results:
        if row.blocks:
            lines += _broken(row)
    if result.stake is not None:
        lines.append(f"  at stake: {at_stake(result.stake)}")
    return "\n".join(lines)


def describe_all(stage: str, result: GateResult) -> str:
    """A gate's verdict, and all that has not held, warnings too, with the first rows."""
    state = "held" if result.held else "has NOT held"
    lines = [f"{stage}: {state}; {len(result.results)} expectations"]
    for row in result.results:
        if row.state != "held":
            lines += _broken(row, "" if row.blocks else "warning: ")
    return "\n".join(lines)


def _broken(row: Result, kind: str = "") -> list[str]:
    """A line about the expectation, and one for each row that is shown."""
    failed = row.state == "failed"
    said = f"{row.counted}: {row.means}" if failed else f"could not be evaluated: {row.problem}"
    rows = (", ".join(f"{name}={value!r}" for name, value in shown.items()) for shown in row.shown)
    return [f"  {kind}{row.name}: {said}", *(f"    {shown}" for shown in rows)]


def _first_line(stage: str, period: str | None) -> str:
    whose = f" of {period}, which is settled anew," if period else ""
    return f"the {stage} gate{whose} has not held:"


def at_stake(stake: Stake) -> str:
    """The stake of a gate, in words: creators, and money by currency."""
    if stake.creators is None:
        return "not known: no deals were ingested"
    who = f"{stake.creators:,} creators" + (" (all with a deal)" if stake.is_everyone else "")
    if stake.money_of is None:
        return f"{who}; no money is published yet"
    amounts = ", ".join(
        f"{currency} {money_text(currency, minor)}" for currency, minor in stake.money_minor.items()
    )
    whose = (
        "as settled by this run"
        if stake.money_of == "this run"
        else f"as published for {stake.money_of}"
    )
    return f"{who}; {amounts or 'no money'}, {whose}"
