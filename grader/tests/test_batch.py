"""A batch: nothing runs twice without need, nothing is lost, nobody waits for a neighbour."""

import threading
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from grader.batch import Batch, run
from grader.batch.cache import Cache
from grader.batch.compare import compare
from grader.batch.journal import JOURNAL_NAME, read_journal
from grader.course import load_course
from grader.grading.model import Entry
from grader.outcome import Failure, Frame
from grader.tests.make_outcomes import SEED, graded, marks, outcome, runs, stage1, unit

COURSE = load_course()
TESTS = {
    stage.number: unit(stage.number, outcome(stage.number, "a", "correctness", 1.0))
    for stage in COURSE.stages
}


class Silence:
    """A `Watch` that looks away."""

    def begun(self, submission):
        pass

    def saw(self, submission, outcome):
        pass


class Worker:
    """Runs units: all pass, but for what `results` says by stage; remembers what was asked."""

    def __init__(self, results=None, stop_after=None):
        self.asked = []
        self._results = results or {}
        self._stop_after = stop_after
        self._lock = threading.Lock()  # protects `asked`

    def __call__(self, unit, report):
        with self._lock:
            if self._stop_after is not None and len(self.asked) >= self._stop_after:
                raise KeyboardInterrupt
            self.asked.append(unit.stage)
        result = self._results.get(unit.stage, TESTS[unit.stage])
        for one in result.outcomes:
            report(one)
        return msgspec.structs.replace(result, seed=unit.seed)


@pytest.fixture(autouse=True)
def _no_real_runs(monkeypatch):
    monkeypatch.setattr(run, "collect_tests", lambda stage: TESTS[stage].outcomes)
    monkeypatch.setattr(run, "assemble", lambda *args, **kwargs: Path("kvstore"))
    monkeypatch.setattr(run, "measure_quality", lambda *args: marks()[:1])


def submission(name="submission-01", digest="0a"):
    return SimpleNamespace(entry=Entry(name, digest), package_dir=Path(name))


def grade(out, work, *submissions, **options):
    batch = Batch(COURSE, out, "", Silence(), **{"seed": SEED, **options}, work=work)
    return sorted(batch.run(submissions or [submission()]), key=lambda seen: seen.entry.name)


def failing(stage):
    return {stage: unit(stage, outcome(stage, "a", "correctness", 1.0, "failed"))}


@pytest.mark.parametrize("jobs", [1, 4])
def test_every_stage_of_every_submission_runs_once(tmp_path, jobs):
    work = Worker()
    seen = grade(tmp_path, work, submission("a"), submission("b"), jobs=jobs)
    assert sorted(work.asked) == sorted([1, 2, 3, 4, 5, 6] * 2)
    assert [one.entry.name for one in seen] == ["a", "b"]
    assert read_journal(tmp_path).evidence() == seen
    assert read_journal(tmp_path).is_over


@pytest.mark.parametrize("stop_after", range(12))
def test_a_killed_batch_goes_on_where_it_was(tmp_path, stop_after):
    first = Worker(stop_after=stop_after)
    with pytest.raises(KeyboardInterrupt):
        grade(tmp_path, first, submission("a"), submission("b"))
    second = Worker()
    seen = grade(tmp_path, second, submission("a"), submission("b"), seed=None)
    assert sorted(first.asked + second.asked) == sorted([1, 2, 3, 4, 5, 6] * 2)
    assert {one.seed for one in seen} == {SEED}
    assert all(one.quality for one in seen)
    assert read_journal(tmp_path).evidence() == seen


def test_a_submission_that_changed_meanwhile_runs_anew(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        grade(tmp_path, Worker(stop_after=7), submission("a"), submission("b"))
    work = Worker()
    grade(tmp_path, work, submission("a", digest="0b"), submission("b"))
    assert work.asked.count(1) == 1
    assert len(work.asked) == 11


@pytest.mark.parametrize("change", [{"seed": 7}, {"isolation": "rlimits"}, {"again": True}])
def test_under_other_conditions_a_killed_batch_begins_again(tmp_path, change):
    with pytest.raises(KeyboardInterrupt):
        grade(tmp_path, Worker(stop_after=3))
    work = Worker()
    options = {"seed": SEED, "isolation": "", **change}
    isolation = options.pop("isolation")
    batch = Batch(COURSE, tmp_path, isolation, Silence(), **options, work=work)
    assert len(list(batch.run([submission()]))) == 1
    assert len(work.asked) == 6


def test_a_finished_batch_begins_again(tmp_path):
    grade(tmp_path, Worker())
    work = Worker()
    grade(tmp_path, work)
    assert len(work.asked) == 6


def test_unchanged_work_comes_from_the_cache_and_is_recorded(tmp_path):
    cache = Cache(tmp_path / "cache", "conditions")
    seen = grade(tmp_path / "one", Worker(), cache=cache)
    work = Worker()
    again = grade(tmp_path / "two", work, submission("other name"), cache=cache, seed=None)
    assert work.asked == []
    assert again == [msgspec.structs.replace(seen[0], entry=Entry("other name", "0a"))]
    assert read_journal(tmp_path / "two").evidence() == again


@pytest.mark.parametrize("change", ["files", "conditions", "seed"])
def test_what_decides_an_outcome_is_in_the_cache_s_key(tmp_path, change):
    grade(tmp_path / "one", Worker(), cache=Cache(tmp_path / "cache", "conditions"))
    work = Worker()
    cache = Cache(tmp_path / "cache", "others" if change == "conditions" else "conditions")
    one = submission(digest="0b" if change == "files" else "0a")
    grade(tmp_path / "two", work, one, cache=cache, seed=9 if change == "seed" else SEED)
    assert len(work.asked) == 6


def test_a_run_in_which_the_grader_failed_is_not_kept(tmp_path):
    cache = Cache(tmp_path / "cache")
    broken = {6: unit(6, problem="the worker died")}
    seen = grade(tmp_path / "one", Worker(broken), cache=cache)
    assert seen[0].runs[5].own.outcomes[0].status == "error"
    work = Worker()
    grade(tmp_path / "two", work, cache=cache)
    assert len(work.asked) == 6


def test_an_old_or_damaged_file_in_the_cache_is_as_good_as_none(tmp_path):
    cache = Cache(tmp_path / "cache")
    grade(tmp_path / "one", Worker(), cache=cache)
    for path in (tmp_path / "cache").rglob("*.json"):
        path.write_bytes(b"{}")
    work = Worker()
    grade(tmp_path / "two", work, cache=cache)
    assert len(work.asked) == 6


def test_two_runs_that_differ_are_told(tmp_path):
    class Unsteady(Worker):
        def __call__(self, unit, report):
            known = list(self.asked)
            result = super().__call__(unit, report)
            if unit.stage == 3 and 3 in known:
                return msgspec.structs.replace(result, outcomes=failing(3)[3].outcomes)
            return result

    seen = grade(tmp_path, Unsteady(), twice=True)
    assert seen[0].unsteady == ("stage3/tests/test_all.py::test_a",)
    assert graded(unsteady=seen[0].unsteady).flags[0].startswith("two runs differ in 1 test")


def test_steady_runs_are_not_flagged(tmp_path):
    work = Worker()
    assert grade(tmp_path, work, twice=True)[0].unsteady == ()
    assert len(work.asked) == 12


@pytest.mark.parametrize(("digest", "seed", "differs"), [("0a", SEED, 1), ("0b", SEED, 0)])
def test_a_run_is_compared_with_an_older_one_of_the_same_files(tmp_path, digest, seed, differs):
    grade(tmp_path, Worker(), submission(digest=digest), seed=seed)
    work = Worker(failing(2))
    after = grade(tmp_path, work, again=True, before=read_journal(tmp_path))
    assert len(after[0].unsteady) == differs


def test_a_submission_without_a_package_runs_nothing(tmp_path):
    work = Worker()
    nothing = SimpleNamespace(entry=Entry("a", problem="no package"), package_dir=None)
    seen = grade(tmp_path, work, nothing)
    assert (seen[0].runs, work.asked) == ((), [])
    assert read_journal(tmp_path).evidence() == seen


def test_no_line_of_the_reference_gets_into_the_record(tmp_path):
    frames = (
        Frame("rwlock.py", 9, "reading", "the reference's secret"),
        Frame("store.py", 3, "get", "my own line"),
        Frame("helper.py", 1, "help", "my helper's line"),
    )
    failed = outcome(
        4, "a", "correctness", 1.0, "failed", failure=Failure("it failed", frames=frames)
    )
    results = {**failing(1), 4: unit(4, failed)}
    seen = grade(tmp_path, Worker(results))
    own, carried = seen[0].runs[3].own, seen[0].runs[3].carried
    assert own.outcomes[0].failure.frames == frames
    assert carried.outcomes[0].failure.frames == frames[1:]
    text = (tmp_path / JOURNAL_NAME).read_text(encoding="utf-8")
    assert text.count("the reference's secret") == 1  # of the run on the student's own files


def test_the_record_names_each_outcome_in_a_line_of_its_own(tmp_path):
    grade(tmp_path, Worker(failing(1)))
    text = (tmp_path / JOURNAL_NAME).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith('{"type":"outcome"')]
    assert len(lines) == 6


def test_what_changed_between_two_gradings_is_told():
    old = [graded(runs=tuple(runs(stage1("get")))), graded("gone")]
    new = [graded(), graded("new")]
    changes = {change.submission: change for change in compare(old, new)}
    assert changes["submission-01"].tests == (
        ("stage1/tests/test_all.py::test_get", "failed", "passed"),
    )
    assert (changes["gone"].after, changes["new"].before) == (None, None)
    assert not any(change.is_nothing for change in changes.values())
    assert compare(new, new)[0].is_nothing
