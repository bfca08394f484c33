"""Hostile submissions: what cheats try, as data, and the proof that they gain and harm nothing.

`data/GROUP.toml` holds the attacks, `catalog.py` reads them, `layout.py` makes a submission of one,
`attempt.py` tries one against the grader, `watch.py` looks for the harm that it did, and `run.py`
tries many. Nothing of the grader depends on this package.
"""
