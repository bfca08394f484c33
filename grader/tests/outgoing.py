"""What must stay at home, and what a set of outgoing files imports."""

import ast
import sys
import tomllib

from grader.course import ROOT

# Folders of which no file, and nothing that a file says, may reach a student.
KEPT_BACK = (
    "solution/**/*",
    "stages/*/hidden/*",
    "grader/attacks/**/*",
    "grader/checks/**/*",
    "grader/mutants/**/*",
    "grader/samples/**/*",
    "grader/tests/**/*",
)

SAYING_CHARS_MIN = 40  # shorter texts, such as names of files, are in many places


def kept_back(*patterns):
    """The files that stay at home, by their place; of some patterns only, if any are named."""
    found = (path for pattern in patterns or KEPT_BACK for path in ROOT.glob(pattern))
    texts = {
        path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
        for path in sorted(found)
        if path.is_file() and not any(part.startswith((".", "__pyc")) for part in path.parts)
    }
    assert texts
    return texts


def normal(text):
    """A text as words, so that blanks and line ends hide nothing."""
    return " ".join(text.split())


def sayings(text):
    """Every text of some length in a TOML file: sentences and pieces of code."""
    pending = [tomllib.loads(text)]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending += value.values()
        elif isinstance(value, list):
            pending += value
        elif isinstance(value, str) and " " in value and len(normal(value)) >= SAYING_CHARS_MIN:
            yield normal(value)  # one word is the name of a test, perhaps of a visible one


def functions(text):
    """Every function in a source as (name, its body without the docstring)."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            yield node, "\n".join(ast.unparse(statement) for statement in body)


def missing_imports(files, is_declared):
    """Imports of outgoing files (texts by place) that lead to nothing outgoing, standard or
    declared.
    """
    missing = set()
    for place, text in files.items():
        if not place.endswith(".py"):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                continue
            missing |= {(place, n) for n in names if not _found(n, node, files, is_declared)}
    return missing


def _found(name, node, files, is_declared):
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names or is_declared(top) or top == "grader_agent":
        return True
    base = name.replace(".", "/")
    if f"{base}.py" in files:
        return True
    # `from package import module` names modules or what the package's __init__ defines.
    return f"{base}/__init__.py" in files and all(
        f"{base}/{alias.name}.py" in files or alias.name in files[f"{base}/__init__.py"]
        for alias in node.names
        if isinstance(node, ast.ImportFrom)
    )
