"""The descriptions of tables and columns: their texts and lineage, for the UI and for docs/tables.md.

Nothing here is on the way of money.
"""
