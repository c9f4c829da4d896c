"""The ground of all rooms: files written whole, names as patterns, texts that are safe to show.

Belongs here: small functions that know no rule of the contract. Does not: anything about bonus periods.
"""
