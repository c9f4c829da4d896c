"""The gates' suites (contract §8): expectations as data, one runner over Great Expectations.

Knows tables and columns of a period's work file, nothing of Dagster or of how the tables were made.
"""

import sys

from expectations.put_off import put_off

# Great Expectations imports Spark Connect, which takes a process without a main file (`python -c`, a
# fork server) for a run of its own tests, and ends it. To be told that it is not there is allowed for.
sys.modules.setdefault("pyspark.sql.connect", None)  # type: ignore[arg-type]

put_off()
