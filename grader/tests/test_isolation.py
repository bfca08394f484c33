"""How the walls are chosen and checked, and how a folder is hidden below one that can be read."""

import dataclasses
import subprocess
import sys

import pytest

from grader.course import REFERENCE_DIR, load_course
from grader.remote.process import AgentError, AgentProcess, choose_isolation
from grader.sandbox import IsolationError, bubblewrap, find_isolation, require
from grader.sandbox.folders import python_program, readable_folders, without_hidden
from grader.unit import Unit, assemble
from grader.unit.collect import collect_tests
from grader.unit.worker import run_in_worker

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there are only limits")


def test_the_strongest_wall_is_found_once_and_can_be_asked_for():
    chosen = choose_isolation()
    assert chosen is choose_isolation()
    assert choose_isolation(chosen.key).holds == chosen.holds
    assert find_isolation(chosen.key).holds == chosen.holds
    assert str(chosen) == f"{chosen.title} ({', '.join(chosen.holds)})"
    with pytest.raises(IsolationError, match="there is no isolation moat here; there is "):
        choose_isolation("moat")


def test_a_worker_has_the_walls_that_it_was_told_and_says_so(tmp_path):
    package = assemble(load_course(), 2, REFERENCE_DIR, tmp_path / "package")
    first = (collect_tests(2)[0].name,)
    result = run_in_worker(Unit(2, str(package), seed=1, only=first, isolation="rlimits"))
    assert result.isolation == "rlimits alone (limits)"
    assert [outcome.status for outcome in result.outcomes] == ["passed"]
    result = run_in_worker(Unit(2, str(package), seed=1, only=first, isolation="moat"))
    assert result.outcomes == ()
    assert "there is no isolation moat here" in result.problem


def test_what_is_missing_is_named():
    alone = find_isolation("rlimits")
    with pytest.raises(
        IsolationError, match=r"rlimits alone \(limits\) does not wall off files, n"
    ):
        require(alone)
    require(dataclasses.replace(alone, holds=("files", "network", "processes")))


def test_a_wall_that_does_not_hold_what_it_claims_is_an_error_and_never_a_weaker_wall(
    package, tmp_path
):
    alone = find_isolation("rlimits")
    claims = dataclasses.replace(alone, holds=("files", "network", "limits"))
    agent = AgentProcess(claims, package(), tmp_path)
    with pytest.raises(AgentError, match="an agent's walls do not hold: files, network"):
        agent.request(b"", 5.0, "nothing")
    agent.close()


def test_an_agent_that_does_not_start_is_an_error(package, tmp_path):
    walls = find_isolation("rlimits").build(package(), tmp_path)
    broken = dataclasses.replace(walls, command=[sys.executable, "-c", "1 / 0"])
    isolation = dataclasses.replace(find_isolation("rlimits"), build=lambda *_: broken)
    agent = AgentProcess(isolation, package(), tmp_path)
    with pytest.raises(AgentError, match="did not start: ZeroDivisionError"):
        agent.request(b"", 5.0, "nothing")
    agent.close()


@pytest.fixture
def nested(tmp_path):
    """A readable folder with a secret one in it, in which in turn something may be read."""
    for name in ("open", "secret", "secret/agent"):
        (tmp_path / "lib" / name).mkdir(parents=True)
        (tmp_path / "lib" / name / "file").write_text(name)
    (tmp_path / "lib" / "link").symlink_to("secret")
    return tmp_path / "lib"


def test_a_wall_that_only_allows_leaves_out_what_is_hidden_below(nested):
    read = (nested, nested / "secret" / "agent")
    whole, names = without_hidden(read, (nested / "secret",))
    assert set(whole) == {str(nested / "open"), str(nested / "secret" / "agent")}
    assert names == [str(nested)]


def test_bubblewrap_hides_a_folder_below_a_visible_one(nested, tmp_path):
    if choose_isolation().title != "bubblewrap":
        pytest.skip("bubblewrap does not work here")
    (tmp_path / "work").mkdir()
    look = "import os; print([(f, os.listdir(f)) for f in os.sys.argv[1:]])"
    command = bubblewrap.command(
        [str(python_program()), "-S", "-c", look, str(nested / "secret"), str(nested / "open")],
        read=[*readable_folders(), nested, nested / "secret" / "agent"],
        hidden=[nested / "secret"],
        write=tmp_path / "work",
        environment={},
        filter_descriptor=None,
        may_change_user=False,
    )
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.strip() == str(
        [(str(nested / "secret"), ["agent"]), (str(nested / "open"), ["file"])]
    ), done.stderr
