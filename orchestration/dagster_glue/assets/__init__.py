"""Glue only, in the order of the flow: what each stage is to Dagster. The work is in `pipeline/`."""
