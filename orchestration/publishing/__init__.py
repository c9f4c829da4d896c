"""The end of the pipeline: a period's published tables, whole or not at all, and their CSV (§9)."""
