"""The course's parts agree: data and folders, skeletons and reference, tests and hints."""

import ast
import importlib
import inspect
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from grader.course import REFERENCE_DIR, STAGES_DIR, CourseError, load_course
from grader.grading.rubric import load_rubric
from grader.hints import load_hints
from grader.mutants.catalog import load_mutants, mutate

COURSE = load_course()
STAGES = COURSE.stages
# A store is made by Store.open; how it puts itself together is its own affair.
MADE_OTHERWISE = {"Store.__init__"}
VISIBLE_MIN, HIDDEN_MIN, MUTANTS_MIN = 60, 150, 60


@dataclass(frozen=True)
class TestSource:
    """A test function as written."""

    __test__ = False
    stage: int
    path: Path
    node: ast.FunctionDef

    @property
    def hidden(self):
        return self.path.parent.name == "hidden"

    @property
    def where(self):
        return f"{self.path.relative_to(STAGES_DIR)}::{self.node.name}"

    @property
    def marks(self):
        calls = [d for d in self.node.decorator_list if isinstance(d, ast.Call)]
        found = [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "points"]
        assert len(found) == len(self.node.decorator_list) == 1, f"{self.where}: one @points(...)"
        keywords = {k.arg: ast.literal_eval(k.value) for k in found[0].keywords}
        return ast.literal_eval(found[0].args[0]), keywords["suite"], keywords["hint"]


def all_tests():
    found = []
    for stage in STAGES:
        for folder in (stage.visible_tests, stage.hidden_tests):
            for path in sorted(folder.glob("*.py")):
                tree = ast.parse(path.read_text(encoding="utf-8"))
                names = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
                found += [TestSource(stage.number, path, n) for n in names if n.name[:5] == "test_"]
    return found


TESTS = all_tests()


def test_every_stage_has_its_parts():
    for stage in STAGES:
        assert stage.readme.is_file(), stage.name
        assert {path.name for path in stage.skeleton.glob("*.py")} == set(stage.files)
        assert (stage.folder / "hints.toml").is_file(), stage.name
    assert {path.name for path in COURSE.given_dir.glob("*.py")} == set(COURSE.given)


def test_the_stages_take_twelve_to_sixteen_hours():
    assert 12 <= sum(stage.hours for stage in STAGES) <= 16


def test_an_unknown_stage_is_one_sentence():
    with pytest.raises(CourseError, match="there is no stage 7: the stages are 1 to 6"):
        COURSE.stage(7)


def test_there_are_enough_tests_and_mutants():
    hidden = sum(test.hidden for test in TESTS)
    assert len(TESTS) - hidden >= VISIBLE_MIN
    assert hidden >= HIDDEN_MIN
    assert sum(len(load_mutants(stage.number)) for stage in STAGES) >= MUTANTS_MIN


def test_every_test_says_what_it_is_worth_and_what_it_shows():
    suites = set(load_rubric().weights) - {"quality"}
    for test in TESTS:
        points, suite, _hint = test.marks
        assert 0 < points <= 5, test.where
        assert suite in suites, test.where
        assert ast.get_docstring(test.node), f"{test.where}: a docstring says the behaviour"


def test_every_suite_can_be_earned():
    earned = Counter()
    for test in TESTS:
        earned[test.marks[1]] += test.marks[0]
    assert set(earned) == set(load_rubric().weights) - {"quality"}


def test_names_are_unique_within_a_stage():
    names = Counter((test.stage, test.node.name) for test in TESTS)
    assert [name for name, count in names.items() if count > 1] == []


def test_every_hint_is_used_and_every_used_hint_exists():
    known = {(h.stage_folder, h.name) for h in load_hints(STAGES_DIR).values()}
    used = {(COURSE.stage(test.stage).folder.name, test.marks[2]) for test in TESTS}
    assert used - known == set()
    assert known - used == set()


def test_no_test_sleeps_or_looks_at_the_wall_clock():
    for test in TESTS:
        source = test.path.read_text(encoding="utf-8")
        assert not re.search(r"\bsleep\(|\btime\.(time|monotonic|perf_counter)\(", source), (
            test.where
        )


def test_the_given_names_are_the_courses_names():
    given = ast.parse((COURSE.given_dir / "__init__.py").read_text(encoding="utf-8"))
    homes = next(
        ast.literal_eval(node.value)
        for node in given.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "_HOMES"
    )
    for stage in STAGES:
        for file, names in stage.files.items():
            assert set(homes.get(file.removesuffix(".py"), ())) == set(names), file
    errors = ast.parse((COURSE.given_dir / "errors.py").read_text(encoding="utf-8"))
    classes = {node.name for node in errors.body if isinstance(node, ast.ClassDef)}
    assert set(homes["errors"]) == {name for name in classes if not name.startswith("_")}


def test_the_reference_has_every_given_name():
    for name in COURSE.given:
        assert names_of(REFERENCE_DIR / name) >= names_of(COURSE.given_dir / name), name


def names_of(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}


def public_parts(path):
    """Every public function, class and method of a file: its signature and its docstring."""
    parts = {}

    def visit(body, prefix):
        for node in body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef):
                continue
            is_magic = node.name.startswith("__") and node.name.endswith("__")
            if node.name.startswith("_") and not is_magic:
                continue
            name = prefix + node.name
            if isinstance(node, ast.ClassDef):
                parts[name] = ([ast.unparse(base) for base in node.bases], ast.get_docstring(node))
                visit(node.body, f"{name}.")
            else:
                returns = ast.unparse(node.returns) if node.returns else ""
                decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
                signature = (decorators, ast.unparse(node.args), returns)
                parts[name] = (signature, ast.get_docstring(node))

    visit(ast.parse(path.read_text(encoding="utf-8")).body, "")
    return parts


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_skeleton_and_reference_have_the_same_contract(stage):
    for file in stage.files:
        skeleton, reference = (
            public_parts(stage.skeleton / file),
            public_parts(REFERENCE_DIR / file),
        )
        assert set(reference) - set(skeleton) <= MADE_OTHERWISE, f"{file}: missing in the skeleton"
        assert set(skeleton) - set(reference) == set(), f"{file}: missing in the reference"
        for name, contract in skeleton.items():
            assert contract == reference[name], f"{file}: {name}"


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_an_unfinished_function_says_its_stage_and_name(stage):
    for file in stage.files:
        source = (stage.skeleton / file).read_text(encoding="utf-8")
        said = re.findall(r"raise NotImplementedError\((.*)\)", source)
        for text in said:
            assert re.fullmatch(rf'"stage {stage.number}: [A-Za-z_.]+"', text), f"{file}: {text}"


def test_the_reference_is_documented():
    for path in sorted(REFERENCE_DIR.glob("*.py")):
        if path.stem == "__main__":
            continue
        module = importlib.import_module(f"kvstore.{path.stem}")
        for name, value in vars(module).items():
            if name.startswith("_") or getattr(value, "__module__", "") != module.__name__:
                continue
            assert inspect.getdoc(value), f"{path.name}: {name}"


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_every_mutant_fits_the_reference(stage):
    mutants = load_mutants(stage.number)
    for mutant in mutants:
        assert mutant.mistake.endswith("."), f"{mutant.name}: a sentence on the mistake"
        mutate(mutant)
        home = COURSE.stage_of(mutant.file)
        assert home is not None, mutant.name
        assert home <= stage.number, mutant.name
    assert len({mutant.find + mutant.replace for mutant in mutants}) == len(mutants)
