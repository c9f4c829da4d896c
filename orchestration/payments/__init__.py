"""Files for the bank and for the books, and what the bank answers (§14).

Belongs here: what another program reads, made out of published tables alone. Does not: what is owed,
which is the ledger's.
"""
