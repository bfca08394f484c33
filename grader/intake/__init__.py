"""What was handed in, read with suspicion: folders, archives and what learning platforms export.

`files.py` says what a file is and how much of it is read, `folder.py`, `zips.py` and `tars.py` list
what is there, `names.py` knows the tricks with names, `package.py` picks the student's package, and
`place.py` tells one submission from a class, with the help of `gradescope.py` and `moodle.py`.
Nothing here writes, runs, imports or follows anything; copies are made in `grader/submission.py`.
"""
