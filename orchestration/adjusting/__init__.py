"""Adjustments by hand as commands (§7): one person asks for one, another approves it, each by a landing row.

Belongs here: making rows of `adjustments`, and what they would change. Does not: what is posted of
them, which is the ledger's (`ledger/decisions.py`).
"""
