"""How many programs are proved, from which seed, and what becomes of one that fails.

`make test` takes the defaults, the same programs each time; `make prove` sets the variables.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider

from tests.proof.cases import Case

PROGRAMS = int(os.environ.get("PROOF_PROGRAMS", "8"))
SEED = os.environ.get("PROOF_SEED", "0")
KEEPS_WHAT_FAILS = "PROOF_PROGRAMS" in os.environ
REGRESSIONS = Path(__file__).with_name("regressions")

PROGRAMS_A_PART = 500
"""A part has a seed of its own and shrinks on its own, so that parts can run side by side."""

SHARE_THROUGH_THE_COMMAND_LINE = 20
"""One program in so many goes through `bonus`, each step a process."""

SHARE_OF_A_RELATION = 25
"""Each metamorphic relation takes one program in so many."""

SHARE_THAT_IS_SIMULATED = 10
"""One program in so many is simulated: that costs what ten cost that are only run."""


# Hypothesis by default makes five of six values by small changes of the sixth. A program costs a
# second, so each shall be drawn anew: Hypothesis does that for every backend but its own name.
ANEW = "hypothesis-anew"
AVAILABLE_PROVIDERS[ANEW] = HypothesisProvider


TELLS_EVERY = 10
"""Programs between two words of progress."""


def parts(programs: int = PROGRAMS, a_part: int = PROGRAMS_A_PART) -> list[tuple[str, int]]:
    """(seed, programs) of each part."""
    return [
        (f"{SEED}-{start}", min(a_part, programs - start)) for start in range(0, programs, a_part)
    ]


def is_long() -> bool:
    """Whether sequences with closes go through the costly tests too, or single runs only."""
    return PROGRAMS >= 100


def share(of: int) -> int:
    """How many programs one in `of` are, at least one."""
    return max(1, PROGRAMS // of)


def over(
    strategy: Any, programs: int, check: Callable[[Any], None], *, name: str, shrink: bool = True
) -> None:
    """Checks so many drawn values; a failure shrinks, and what is left of it is raised."""
    phases = [Phase.generate, Phase.shrink] if shrink else [Phase.generate]
    done = 0

    @seed(name)
    @settings(
        max_examples=programs,
        deadline=None,
        database=None,
        backend=ANEW,
        phases=phases,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def each(value: Any) -> None:
        nonlocal done
        check(value)
        done += 1
        if is_long() and done % TELLS_EVERY == 0:
            tell(f"{name}: {done} of {programs}")

    each()


def tell(text: str) -> None:
    """On the terminal of `make prove`, whichever process it is in."""
    print(f"{datetime.now():%H:%M:%S}  {text}", file=sys.stderr, flush=True)


class Verdict:
    """Says what differs in a case, whole; the smallest case that failed is kept if so asked for.

    The last one that fails is the smallest, since Hypothesis shows what is left at the end.
    """

    def __init__(self) -> None:
        self._kept: Path | None = None

    def demand(self, case: Case, found: list[str]) -> None:
        """Fails with program, landing rows and differing rows if anything was found."""
        if not found:
            return
        text = case.to_json()
        if KEEPS_WHAT_FAILS:
            if self._kept:
                self._kept.unlink()
            digest = hashlib.sha256(text.encode()).hexdigest()[:12]
            self._kept = REGRESSIONS / f"found-{digest}.json"
            self._kept.write_text(text, encoding="utf-8")
        where = f"kept as {self._kept}" if self._kept else "keep it in tests/proof/regressions/"
        raise AssertionError("\n".join([text, *found, where]))
