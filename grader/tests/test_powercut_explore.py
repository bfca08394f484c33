"""The explorer, on a log of paper: which mistakes it finds, in which model, and what it opens."""

import pytest

from grader.powercuts import explore
from grader.powercuts.explore import Explorer
from grader.powercuts.replay import PowerCutReplay
from grader.powercuts.shrink import shrink
from grader.tests.power_logs import LOG, PaperLog, trial


def explored(agent, *values, finds_all=False, **options):
    explorer = Explorer(agent, finds_all=finds_all)
    return explorer.explore(explorer.record(trial(*values, **options)))


@pytest.mark.parametrize("sync", ["always", "never"])
def test_a_right_log_is_clean(sync):
    agent = PaperLog()
    found = explored(agent, 1, 2, "sync", 3, "close", sync=sync)
    assert found.found == []
    assert found.caps == []
    assert found.opened == len(agent.asked)


def test_each_disk_is_opened_once():
    agent = PaperLog()
    explored(agent, 1, 2, 3)
    first = [tree.digest() for tree in agent.asked]
    again = first.index(first[0], 1) if first[0] in first[1:] else len(first)
    assert len(set(first[:again])) == again > 5


# What a log does wrong, the model that it needs, the kind of the problem, and a word of the state.
MISTAKES = {
    "no fsync": ({"syncs": False}, "ordered", "lost", "not synced"),
    "no fsync of the folder": ({"syncs_folder": False}, "strict", "lost", "lost"),
    "a torn tail is not cut": ({"cuts_torn_tails": False}, "ordered", "later", "cut after 1 of 2"),
    "a torn tail is taken for damage": ({"refuses": True}, "ordered", "refused", "cut after 1"),
    "a frame is forgotten": ({"forgets": 1}, "ordered", "lost", "the process is killed"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_found(name):
    fields, model, kind, what = MISTAKES[name]
    agent = PaperLog(**fields)
    found = explored(agent, 1, 2, 3)
    assert (found.first.cut.model, found.first.problem.kind) == (model, kind)
    assert what in found.first.cut.state.what
    assert agent.asked.count(found.first.cut.tree()) >= 2  # once more in a process of its own
    assert found.opened == len(agent.asked) - 1
    all_found = explored(PaperLog(**fields), 1, 2, 3, finds_all=True).found
    assert found.first.problem in [one.problem for one in all_found]


def test_what_fails_in_both_models_is_told_of_the_ordered_one():
    found = explored(PaperLog(syncs=False, syncs_folder=False), 1, 2)
    assert found.first.cut.model == "ordered"


def test_a_lazy_log_may_refuse_a_hole_and_an_eager_one_may_not():
    """A later write is there and an earlier one is not: right only where nothing was promised."""
    assert explored(PaperLog(), 1, 2, 3, sync="never").found == []
    eager = explored(PaperLog(syncs=False), 1, 2, 3, finds_all=True).found
    assert any(found.problem.kind == "refused" for found in eager)


def test_a_hang_ends_the_search():
    agent = PaperLog(hangs_on=b"f\1")
    found = explored(agent, 1, 2)
    assert found.first.problem.kind == "ended"
    assert found.first.cut.tree().files[LOG] == b"f\1"
    assert agent.asked[-1] == found.first.cut.tree()


def test_what_is_wrong_only_beside_others_does_not_count():
    """Folders share a process: what goes wrong must go wrong in a process of its own as well."""
    agent = PaperLog(stumbles_at=3)
    found = explored(agent, 1, 2)
    assert found.found == []
    assert len(agent.asked) == found.opened + 1


def test_power_fails_while_it_recovers():
    agent = PaperLog(refuses=False)
    explorer = Explorer(agent)
    case = explorer.record(trial(1, 2))
    before = len({cut.tree().digest() for cut in explore._cuts(case)})
    found = explorer.explore(case)
    assert found.found == []
    assert found.opened > before
    more = [tree.files.get(LOG, b"") for tree in agent.asked[before:]]
    assert any(data.endswith(b"f+") for data in more)


def test_a_cap_is_said(monkeypatch):
    monkeypatch.setattr(explore, "STATES_MAX", 5)
    agent = PaperLog()
    explorer = Explorer(agent)
    case = explorer.record(trial(1, 2, 3))
    opened = explore.Explored()
    explorer._try(explore._by_disk(explore._cuts(case)), opened, 5)
    assert opened.opened == 5
    assert opened.caps[0].startswith("5 of ")
    assert "cap" in opened.caps[0]


def test_the_same_history_has_the_same_states():
    trees = []
    for _ in range(2):
        agent = PaperLog()
        explored(agent, 1, 2, "sync", 3, sync="never")
        trees.append([tree.digest() for tree in agent.asked])
    assert trees[0] == trees[1]


def replay_of(cut, kept=0b111):
    then = None if cut.then is None else cut.then.number
    return PowerCutReplay("test_x", 7, 0, "c0de", kept, cut.model, cut.state.number, then)


@pytest.mark.parametrize("name", MISTAKES)
def test_an_id_leads_to_the_same_power_cut(name):
    explorer = Explorer(PaperLog(**MISTAKES[name][0]), finds_all=True)
    case = explorer.record(trial(1, 2, 3))
    for one in explorer.explore(case).found[:40]:
        again = explorer.cut_of(case, replay_of(one.cut))
        assert again.tree() == one.cut.tree()
        assert explorer.try_one(again).problem == one.problem


def test_an_id_leads_to_a_power_cut_while_it_recovers():
    explorer = Explorer(PaperLog())
    case = explorer.record(trial(1, 2))
    cuts = list(explore._cuts_again([(cut, next(explorer._open([cut]))) for cut in _some(case)]))
    assert len(cuts) > 20
    for cut in cuts:
        again = explorer.cut_of(case, replay_of(cut))
        assert (again.then, again.tree()) == (cut.then, cut.tree())


def _some(case):
    return list(explore._cuts(case))[::7]


def test_an_id_of_no_state_leads_nowhere():
    explorer = Explorer(PaperLog())
    case = explorer.record(trial(1))
    wanted = PowerCutReplay("test_x", 7, 0, "c0de", 1, "ordered", 10**6, None)
    assert explorer.cut_of(case, wanted) is None
    no_second = PowerCutReplay("test_x", 7, 0, "c0de", 1, "ordered", 5, 10**6)
    assert explorer.cut_of(case, no_second) is None


def test_a_failure_is_shrunk_to_the_calls_that_it_needs():
    explorer = Explorer(PaperLog(syncs=False))
    found = explorer.explore(explorer.record(trial(1, 2, 3, 4, 5))).first
    shorter = shrink(explorer, found)
    assert shorter.case.trial.history == trial(1).history
    assert shorter.problem.kind == found.problem.kind
    assert shorter.cut.model == found.cut.model


def test_only_the_end_is_tried_where_that_is_asked():
    agent = PaperLog(syncs=False)
    explorer = Explorer(agent)
    cases = [explorer.record(trial(1)), explorer.record(trial(1, 2))]
    found = explorer.explore_ends(cases)
    for one in found.found:
        assert one.cut.state.point == len(one.case.recorded.events)
    assert found.first.problem.kind == "lost"
