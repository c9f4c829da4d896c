"""The gates' suites (contract §8): expectations as data, one runner over Great Expectations.

Knows tables and columns of a period's work file, nothing of Dagster or of how the tables were made.
"""
