"""The program file (contract §1): from bytes to a typed model to the tables the SQL models join.

In the order of the flow: `yaml_reader` makes a tree of nodes, `values` reads single values, `rules`
checks what more than one value decides, `model` is the typed program, `load` does it all for one
file, `calendar` says when a day begins, `tables` writes a program as tables. `currencies` is ISO
4217, `problems` says what was wrong and where.

No Dagster, dbt or Great Expectations here, and nothing heavy at import: the command line reads a
program file before it starts anything else.
"""
