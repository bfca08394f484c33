"""Try many attacks, a few at a time, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec

from grader.attacks.attempt import Verdict
from grader.attacks.catalog import Attack
from grader.course import ROOT
from grader.sandbox import Isolation

_START_SECONDS = 60.0  # on top of an attack's own time: laying out, looking for harm


def run_attacks(
    attacks: Sequence[Attack],
    isolation: Isolation,
    jobs: int,
    report: Callable[[Verdict], None] = lambda verdict: None,
) -> Iterator[Verdict]:
    """Yield the verdict on each attack, in order; `report` is told each as it comes. Those that
    take longest begin first.

    An attack that needs a wall which `isolation` lacks is not tried.
    """

    def one(attack: Attack) -> Verdict:
        missing = tuple(wall for wall in attack.needs if wall not in isolation.holds)
        if missing:
            verdict = Verdict(attack.name, 0.0, (), "", missing=missing)
        else:
            verdict = _try(attack, isolation.key)
        report(verdict)
        return verdict

    with ThreadPoolExecutor(jobs) as pool:
        longest_first = sorted(attacks, key=lambda attack: -attack.seconds)
        waiting = {attack.name: pool.submit(one, attack) for attack in longest_first}
        for attack in attacks:
            yield waiting[attack.name].result()


def _try(attack: Attack, isolation: str) -> Verdict:
    command = [sys.executable, "-m", "grader.attacks", attack.name, isolation]
    limit = attack.seconds + _START_SECONDS
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return Verdict(attack.name, 0.0, (f"held up the grader for more than {limit:g} s",), "")
    try:
        return msgspec.json.decode(done.stdout, type=Verdict)
    except msgspec.DecodeError:
        said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        gain = f"ended the process that tried it, with exit code {done.returncode}: {said}"
        return Verdict(attack.name, 0.0, (gain,), "")
