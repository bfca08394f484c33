"""What power cuts find, and at what cost: `python -m grader.benchmarks.powercuts`.

- `kinds`: of each kind of bug, how many states of the disk show it, and whether a plain kill -9
  (`killed`) shows it too, in the histories of the hidden tests.
- `correct`: correct packages of several designs and long random histories (`generated`), in which
  nothing may be found.
- `speed`: what a state costs, and each power-cut test.

`drawn` knows what tests try; `grid` prints tables.
"""
