"""All suites by stage, in the order of the flow.

`restatement` is the ledger's for the run of a closed period.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from expectations import eligibility, ingest, ledger, scoring, staging, watch
from expectations.suite import Expectation

SUITES: Mapping[str, Sequence[Expectation]] = {
    "ingest": ingest.SUITE,
    "staging": (*staging.SUITE, *watch.STAGING),
    "eligibility": (*eligibility.SUITE, *watch.ELIGIBILITY),
    "scoring": scoring.SUITE,
    "ledger": (*ledger.SUITE, *watch.LEDGER),
    "restatement": ledger.RESTATEMENT_SUITE,
}
