"""The oracle: says whether what many threads saw of a store can be explained by any order at all.

- `history`: one call as it was seen from outside, and the order in time of many.
- `model`, `whole`, `locks`: what the operations mean when one runs after the other.
- `arguments`, `operations`: the table of operations that checking and generating both read.
- `search`, `linearizable`: the checker, and its verdict.
- `workload`: small programs in which operations meet.

Not here: running anything. The oracle knows no agent, no session and no schedule.
"""
