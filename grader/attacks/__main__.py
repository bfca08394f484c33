"""`python -m grader.attacks NAME ISOLATION`: one attempt; the verdict is JSON on standard output.

A command of its own because everything below this process is ended afterwards; people use
`python -m grader attacks`.
"""

from __future__ import annotations

import sys

import msgspec

from grader.attacks.attempt import attempt
from grader.attacks.catalog import choose_attacks

name, isolation = sys.argv[1:]
(attack,) = choose_attacks([name])
sys.stdout.buffer.write(msgspec.json.encode(attempt(attack, isolation)))
