"""Glue only, in the order of the flow: what each stage is to Dagster. The work is in `pipeline/`."""

import warnings

import dagster as dg

# Partitioned checks are a preview, for which the version of Dagster is pinned. Whoever makes an asset or a
# check comes by here first, also a command that wants no definitions.
warnings.filterwarnings("ignore", category=dg.PreviewWarning)
warnings.filterwarnings("ignore", category=dg.BetaWarning)
