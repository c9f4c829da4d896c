"""The webserver of `bonus ui`, the processes it runs in, and who may ask it for what.

Belongs here: what stands between a browser and Dagster, and our own pages beside Dagster's. Does
not: what a run does (`pipeline/`), and the reports' content (`reports/`).
"""
