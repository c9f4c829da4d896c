"""Simulation (§13): what other terms would have paid, without touching what is published.

simulate  computes the periods in a scratch home, which is removed at the end
changes   what the tables of before and after say, in pandas, exact
page      the same as a page
write     the files of `bonus simulate`
run       all of it, with the engine and gates of a run
"""
