"""Hostile submissions earn what they deserve and harm nobody, behind the walls of this machine."""

import os

import pytest

from grader.attacks.catalog import load_attacks
from grader.attacks.run import run_attacks
from grader.remote.process import choose_isolation

ATTACKS = load_attacks()


@pytest.fixture(scope="module")
def verdicts():
    found = run_attacks(ATTACKS, choose_isolation(), jobs=os.cpu_count() or 1)
    return {verdict.attack: verdict for verdict in found}


@pytest.mark.parametrize("name", [attack.name for attack in ATTACKS])
def test_an_attack_is_beaten(name, verdicts):
    verdict = verdicts[name]
    if verdict.missing:
        pytest.skip(f"not walled off here: {', '.join(verdict.missing)}")
    assert verdict.gains == ()
