"""The race finder: real threads of the package under test, of which one runs at a time.

`points` puts switch points into the package's source, `fresh` imports it anew for each schedule,
`virtual` stands in for locks, threads and time, `scheduler` passes the turn on, as one of the
`strategies` says, and `explore` runs a program of calls under many schedules and tells what came of
them. `record` writes down one schedule line by line.

Trust: the scheduler shares the interpreter with code under test, which can find it and spoil its
own schedules. Whoever can do that can as well take one lock around everything while he is watched,
so it gains nothing. What decides a test, the record of who called what, when, and what came back,
is kept by `explore` in generators that nobody can reach (with `bind`, `values` and `record`, which
are hidden too); all that touches the rest is done in the open, as `steps` for `grader.agent.front`.
Code that is made at run time has no switch points, so the guard refuses it here.
"""
