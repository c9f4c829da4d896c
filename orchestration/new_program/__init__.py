"""A program of one's own to begin with: what `bonus init` asks and writes.

Belongs here: the answers and their bounds, the texts of the files, and writing them. Does not: how a
person is asked (`command_line`), and what a program file may say (`terms`), which reads what this writes.
"""
