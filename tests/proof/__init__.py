"""The product against the second implementation, row by row, over programs that nobody thought of.

Belongs here: what makes programs with landing data, what runs both sides, what compares them. Does
not: any rule of the contract, which is `tests/reference/`'s to say.
"""
