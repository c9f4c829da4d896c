"""The ground of all rooms: files written whole, names as patterns, safe texts, databases for a while.

Belongs here: small functions that know no rule of the contract. Does not: anything about bonus periods.
"""
