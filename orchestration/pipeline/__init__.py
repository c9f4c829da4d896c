"""The stages as plain functions over a home: files, DuckDB, dbt, locks; no Dagster.

`dagster_glue/assets/` gives them to Dagster; tests and proofs call them without it.
"""
