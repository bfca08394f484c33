"""What the race finder finds, how soon, and at what cost: `python -m grader.benchmarks.races`.

- `kinds`: schedules until each kind of bug is found by its hidden test, beside a stress test of the
  same programs; `examples` says which mutants and tests, `stress` is the stress test.
- `correct`: correct stores of several designs, on which nothing may be found.
- `speed`: schedules a second.

`drawn` knows what tests try, and makes the packages to try it on.
"""
