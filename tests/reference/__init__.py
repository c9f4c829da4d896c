"""A second, slow implementation of the contract (spec.md §3 to §7), for a doubter to read beside it.

Plain Python, exact fractions, dictionaries and sorted lists. It shares no code with the pipeline. It takes valid input
for granted: what §1 refuses, §2 quarantines and §8 blocks is not looked for here.
"""
