"""Files for the bank and for the books, and what the bank answers (§14).

Belongs here: what another program reads, made out of published tables alone. Does not: what is owed,
which is the ledger's.
"""

from typing import Final

MOST_BYTES: Final = 256 * 1024 * 1024
"""The largest file that is read here, of accounts or of the bank."""
