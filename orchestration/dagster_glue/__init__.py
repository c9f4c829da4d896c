"""Dagster: assets, gates as checks, jobs, sensors, and how a run is started in this process.

Belongs here: whatever imports Dagster. Does not: rules, files of the home, texts of the command line.
"""
