"""From landing files to typed raw tables and a quarantine (contract §2).

Nothing here knows Dagster, dbt or Great Expectations, nor which defects stop a run: that is the
ingest gate's to say (§8). `landing.ingest_landing` is the entry; the other modules are its parts.
"""
