"""The origin of each number of a creator's ledger rows (§11), from what is published alone.

    rows.py         what is known of one creator: rows of the published tables, each cell as exported
    expression.py   an expression of §11, whose text and exact value are made together
    steps.py        a step: id, section, text, unit, value, expression, inputs
    points.py       §5: from increments to points
    amounts.py      §6: from points to amounts in the program currency
    settled.py      §7: from amounts to the columns of the ledger
    not_counted.py  §4: why posts were left out, what was found, what was needed
    judging.py      §4: by which terms version a post is judged
    would_count.py  §4 turned round: what must hold so that it would count
    explanation.py  all of it, for one creator: the object that `--json` prints
    page.py         the same as text to be read
    reading.py      the glue: reads the rows by key out of Parquet

All but `reading` is pure. No step copies a number of the ledger: a number follows from inputs, and where
it is another one than the table says, that is a `Contradiction`. `reading` refuses, then.
"""
