"""The command line: all that a person types and sees on a terminal.

Belongs here: options, exit statuses, console output. Does not: rules, Dagster objects.
"""
