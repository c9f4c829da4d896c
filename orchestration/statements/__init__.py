"""Statements (§12): what a payee is told, as a page in its language, and what of it is proved.

    languages.py    the languages, their catalogues (locale/), money, numbers and days by CLDR
    wording.py      codes of §4, §6 and §7 that a payee reads, in words
    figures.py      what the page of one creator tells, out of its rows and their explanation
    decisions.py    the reasons that people gave for adjustments and returned payments
    page.py         the page's HTML
    pdf.py          the page as PDF, by WeasyPrint (an extra)
    write.py        the files: reads creators in bunches, writes each file whole
    catalogues.py   `make messages`: which texts the catalogues must have

No text of a page is made in code: the templates and `wording` have them in English, which is the key
in the catalogues of all languages.
"""
