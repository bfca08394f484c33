"""The hand-out: what is in it, and what is not."""

import ast
import re
import tomllib

import pytest
import yaml

from grader import cli
from grader.course import ROOT, load_course
from grader.handout.student import make_handout
from grader.quality.settings import load_settings
from grader.tests.outgoing import functions, kept_back, missing_imports, normal, sayings

COURSE = load_course()

# Bodies that the course gives to everybody: the reference has them because the student has them.
GIVEN = {
    ("errors.py", "__init__"),
    ("__init__.py", "__getattr__"),
    ("__init__.py", "__dir__"),
    ("snapshot.py", "snapshot_path"),
    *((file, "__enter__") for file in ("wal.py", "store.py")),  # return self, as many others do
}
# A hint of stage 6 says this line, and a sample has it.
GIVEN_LINES = {"except (KVStoreError, OSError) as error:"}


@pytest.fixture(scope="module")
def files():
    """The hand-out's texts, by place."""
    return {place: data.decode() for place, data in make_handout().items()}


@pytest.fixture(scope="module")
def sources(files):
    return {place: text for place, text in files.items() if place.endswith(".py")}


@pytest.fixture(scope="module")
def pyproject(files):
    return tomllib.loads(files["pyproject.toml"])


# What is not in it.


def test_no_file_has_the_text_of_one_that_stays_at_home(files):
    given = {normal(path.read_text("utf-8")) for path in COURSE.given_dir.glob("*.py")}
    secret = {normal(text): place for place, text in kept_back().items()}
    secret = {text: place for text, place in secret.items() if text and text not in given}
    assert [(place, secret[normal(t)]) for place, t in files.items() if normal(t) in secret] == []


def test_no_folder_of_ours_is_in_it(files):
    ours = {"solution", "hidden", "mutants", "attacks", "samples", "checks", "handout", "grading"}
    assert [place for place in files if ours & set(place.split("/"))] == []
    assert [place for place in files if place.startswith(("grader/tests", "docs", "work"))] == []


def test_no_function_of_the_reference_is_in_it(sources):
    handed_out = {body: place for place, text in sources.items() for _, body in functions(text)}
    reference = kept_back("solution/kvstore/*.py")
    leaked = {
        (place.rpartition("/")[2], node.name)
        for place, text in reference.items()
        for node, body in functions(text)
        if body in handed_out
    }
    assert leaked == GIVEN


def test_no_hidden_test_is_in_it_by_name_by_sentence_or_by_body(files, sources):
    words = {word for text in files.values() for word in re.findall(r"\w+", text)}
    everything = normal(" ".join(files.values()))
    bodies = {body for text in sources.values() for _, body in functions(text)}
    seen = 0
    for text in kept_back("stages/*/hidden/*.py").values():
        for node, body in functions(text):
            if not node.name.startswith("test_"):
                continue
            seen += 1
            assert node.name not in words
            assert normal(ast.get_docstring(node)) not in everything
            assert body not in bodies
    assert seen > 200


def test_nothing_that_a_mutant_or_an_attack_says_is_in_it(files):
    everything = normal(" ".join(files.values()))
    data = kept_back("grader/mutants/data/*.toml", "grader/attacks/data/*.toml")
    said = {saying for text in data.values() for saying in sayings(text)}
    assert len(said) > 200
    assert {saying for saying in said if saying in everything} == GIVEN_LINES


# What is in it.


def test_it_holds_the_course(files):
    for stage in COURSE.stages:
        home = f"stages/{stage.folder.name}"
        assert f"{home}/README.md" in files
        assert f"{home}/hints.toml" in files
        assert {f"{home}/skeleton/{name}" for name in stage.files} <= set(files)
        assert any(place.startswith(f"{home}/tests/test_") for place in files)
        assert f"]({home}/README.md)" in files["README.md"]


def test_every_link_of_its_pages_leads_somewhere(files):
    links = [
        link
        for page in ("README.md", "AGENTS.md")
        for link in re.findall(r"\]\(([^)]+)\)", files[page])
    ]
    assert links
    assert set(links) <= set(files)


def test_all_that_it_imports_is_in_it_or_declared(sources, pyproject):
    declared = {name.partition(">")[0] for name in pyproject["project"]["dependencies"]}
    noxfile = {"nox"}
    assert missing_imports(sources, (declared | noxfile).__contains__) == set()


def test_it_needs_nothing_that_the_project_does_not(pyproject):
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert set(pyproject["project"]["dependencies"]) < set(ours["project"]["dependencies"])
    assert pyproject["project"]["requires-python"] == ours["project"]["requires-python"]
    assert pyproject["build-system"] == ours["build-system"]


def test_its_ruff_asks_what_style_is_graded_by(pyproject):
    rules, ruff = load_settings().ruff, pyproject["tool"]["ruff"]
    assert ruff["lint"]["select"] == [*rules.rules, "C901"]
    assert ruff["line-length"] == rules.line_length
    assert ruff["target-version"] == rules.target_version
    assert ruff["lint"]["mccabe"]["max-complexity"] == rules.complexity_max


def test_its_noxfile_has_the_students_sessions_and_begins_as_ours(files):
    ours = (ROOT / "noxfile.py").read_text("utf-8")
    assert ours.startswith(files["noxfile.py"].rstrip())
    tree = ast.parse(files["noxfile.py"])
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    stages = [f"stage{stage.number}" for stage in COURSE.stages]
    assert names == ["prepare", "grader", *stages, "race", "inspect", "hint"]
    assert "grade" not in re.findall(r"nox -s (\w+)", files["noxfile.py"])


def test_work_is_the_students_to_commit(files):
    rules = [line for line in files[".gitignore"].splitlines() if not line.startswith("#")]
    assert rules
    assert not any("work" in rule or rule in ("*", "*.py") for rule in rules)


def test_the_workflow_has_a_step_with_points_for_each_stage(files):
    """Classroom finds the points only under these names, and ids of letters and digits."""
    workflow = yaml.safe_load(files[".github/workflows/classroom.yml"])
    assert workflow["name"] == "Autograding Tests"
    assert list(workflow["jobs"]) == ["run-autograding-tests"]
    steps = workflow["jobs"]["run-autograding-tests"]["steps"]
    graded = [step for step in steps if "command-grader" in step.get("uses", "")]
    ids = [f"stage{stage.number}" for stage in COURSE.stages]
    assert [step["id"] for step in graded] == ids
    for step, stage in zip(graded, COURSE.stages, strict=True):
        assert step["with"]["test-name"] == step["name"] == f"Stage {stage.number}: {stage.name}"
        assert step["with"]["command"] == f"python -m nox -s stage{stage.number}"
    assert sum(step["with"]["max-score"] for step in graded) == 100
    report = steps[-1]
    assert report["with"]["runners"] == ",".join(ids)
    results = {f"{i.upper()}_RESULTS": f"${{{{ steps.{i}.outputs.result }}}}" for i in ids}
    assert report["env"] == results


# Its command line.


def test_the_command_line_of_a_hand_out_has_its_commands_only(files):
    commands = [name for name in cli.COMMANDS if f"grader/cli/{name}.py" in files]
    assert commands == ["stage", "hint", "inspect", "race"]
