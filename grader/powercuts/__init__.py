"""Power cuts: what one could leave on disk at any point of a history, and whether the package under
test makes the best of it.

`record` reads what an agent wrote down, `effects` and `durable` say what a disk holds, `states`
lists what a power cut can leave of it, `reopen` has folders opened again, `explore` puts them
together and judges, `shrink` looks for a shorter history, `story` tells it to the student.
"""
