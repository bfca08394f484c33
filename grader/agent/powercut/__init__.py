"""The recorder: every change that the package under test makes to files below one folder, in order,
and each call's beginning and end among them; and how what a power cut left is opened again.

`recorder` makes each change and writes it down, `standins` and `files` take the place of the
functions of `os`, `open` and so on, `record` runs a history of calls, and `reopen` opens many
folders, each in a process of its own, for which `ready` and `inert` make the package ready.

Trust: `recorder`, `record` and `reopen` are hidden. A change is made and written down by one and
the same function in C's reach only, so nobody can write down what was not done; what is done behind
its back makes the folder differ from the record, which the parent finds. What a store that is
opened again answers is the package's own business.
"""
