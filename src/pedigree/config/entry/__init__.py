"""A script's own command line: overrides in, a validated configuration out, its frozen form kept beside the results.

`main` is the decorator, `arguments` reads the words, `program` runs once, `sweeping` runs every point of a sweep,
`place` chooses the folder of a run, `hiding` keeps typed secrets out of messages.
"""
