"""The child process: the only code that ever imports a package under test.

It stands on the standard library alone and imports nothing else of the grader, because it runs
where nothing else exists.
"""
