"""Pages about periods, for whoever does not open Dagster: one HTML file each, and an overview.

Everything shown comes from what is published (tables, run.json, program file, close log's seal), so
a page can be written again at any time, with the same bytes. Nothing here changes a number.
"""
