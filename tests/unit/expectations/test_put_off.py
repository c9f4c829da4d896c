"""What Great Expectations imports, and no suite needs, is imported when it is used, and not before."""

from __future__ import annotations

import subprocess
import sys

import pytest

from expectations.put_off import STATISTICS_AND_CHARTS


def _said(program: str) -> list[str]:
    return subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True
    ).stdout.splitlines()


def test_the_gates_are_ready_without_it_and_it_is_there_when_it_is_used() -> None:
    said = _said(
        "import expectations, scipy, expectations.runner, sys\n"
        "from expectations.put_off import PutOff\n"
        f"for name in {STATISTICS_AND_CHARTS}: print(isinstance(sys.modules[name], PutOff))\n"
        "stats = scipy.stats\nprint(stats.norm.cdf(0))"
    )
    assert said == ["True"] * len(STATISTICS_AND_CHARTS) + ["0.5"]


@pytest.mark.parametrize(
    "use",
    [
        "from scipy import stats",
        "import scipy.stats as stats",
        "from scipy.stats import norm; import scipy.stats as stats",
        "import scipy.stats.distributions; import scipy.stats as stats",
    ],
)
def test_it_is_there_when_it_is_used(use: str) -> None:
    assert _said(f"import expectations\n{use}\nprint(stats.norm.cdf(0))") == ["0.5"]


def test_what_was_imported_before_stays() -> None:
    said = _said(
        "import altair; before = altair; import expectations, sys; print(sys.modules['altair'] is before)"
    )
    assert said == ["True"]
