"""Power cuts: what one could leave on disk at any point of a history, and whether the package under
test makes the best of it.

`effects` and `durable` say what a disk holds, `states` lists what a power cut can leave of it,
`promise` what must be there then. `agent` asks for records and has folders opened again, `answers`
reads what it says, `explore` puts them together, `judge` says what is wrong, `shrink` looks for a
shorter history, `replay` names one power cut, `story` tells of it. A `subject` is what the power is
cut of.
"""
