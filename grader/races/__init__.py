"""The parent's side of the race finder: which programs are tried under which schedules, what is
made of a failing one, and how it is told.

- `program`: calls for the threads of an agent; `explorer`: has them run (`grader.agent.race`).
- `plan`: seeds and strategies; `search`: programs and schedules until one fails; `shrink`: fewer
  calls, fewer switches, and whether today's CPython could make them.
- `replay`: the id of one schedule; `story`, `diagnosis`: an `Interleaving` for people.

What a history may be is the business of `grader.oracle`.
"""
