"""The quality marks of one submission: one for each stage and check, measured, not yet scaled.

A stage's mark is the mean over its files. A file of the student's own idea is measured together
with the first course file that imports it, so that moving code elsewhere hides nothing; so is a
given file that was changed. A file that is missing, unreadable, unwritten or without a used
function earns nothing. Scaling by the stage's tests belongs to `grading/score.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from grader.course import Course, Stage
from grader.grading.model import QualityMark
from grader.quality.checks import CHECKS, Check, Measure
from grader.quality.lint import Finding, lint
from grader.quality.settings import QualityError, Settings, load_settings
from grader.quality.source import Source, read_source
from grader.quality.usage import Asked, names_asked, unused_nodes

FINDINGS_MAX = 10  # findings listed with one mark
OWN_FILES_MAX = 20  # files that the course does not know; more would be work for nothing


def measure_quality(
    package_dir: Path, course: Course, settings: Settings | None = None
) -> tuple[QualityMark, ...]:
    """Measure the files in `package_dir`, stage by stage; nothing in them is imported.

    Raises `QualityError` when the grader's own settings or ruff are at fault.
    """
    settings = settings or load_settings()
    if set(settings.points) != set(CHECKS):
        raise QualityError(f"the quality checks are {', '.join(CHECKS)}; the settings name others")
    groups = _without_unused(_groups(package_dir, course), course)
    sources = {source.name: source for group in groups.values() for source in group}
    findings = lint((s for s in sources.values() if s.tree.body), settings.ruff)
    return tuple(
        _mark(stage, check, settings, groups, findings)
        for stage in course.stages
        for check in settings.points
    )


def _mark(
    stage: Stage,
    check: str,
    settings: Settings,
    groups: Mapping[str, Sequence[Source]],
    findings: Mapping[str, Sequence[Finding]],
) -> QualityMark:
    shares, said = [], []
    for file in stage.files:
        measures = _measures(CHECKS[check], groups[file], findings, settings)
        total = sum(measure.total for measure in measures)
        shares.append(sum(measure.good for measure in measures) / total if total else 0.0)
        said += [finding for measure in measures for finding in measure.findings]
    available = float(settings.points[check])
    more = [f"and {len(said) - FINDINGS_MAX} more"] if len(said) > FINDINGS_MAX else []
    return QualityMark(
        stage=stage.number,
        check=check,
        earned=available * sum(shares) / len(shares),
        available=available,
        findings=(*said[:FINDINGS_MAX], *more),
    )


def _measures(
    check: Check,
    group: Sequence[Source],
    findings: Mapping[str, Sequence[Finding]],
    settings: Settings,
) -> list[Measure]:
    """Measure a course file and those that it brought along: all of them, or none."""
    problems = [source.problem for source in group if source.problem]
    if not problems and not any(_has_function(source) for source in group):
        problems = [f"{group[0].name}:1: it defines no function that is used"]
    if problems:
        return [Measure(0, 1, tuple(problems))]
    return [check(source, findings.get(source.name, ()), settings.ruff) for source in group]


def _has_function(source: Source) -> bool:
    return any(node not in source.unused for _, node in source.functions)


def _without_unused(groups: dict[str, list[Source]], course: Course) -> dict[str, list[Source]]:
    """Let each file know which of its definitions nobody in the package uses."""
    sources = [source for group in groups.values() for source in group]
    unused = unused_nodes(sources, _asked(course))

    def told(source: Source) -> Source:
        nodes = (found.node for found in source.definitions)
        return replace(source, unused=frozenset(node for node in nodes if node in unused))

    return {file: [told(source) for source in group] for file, group in groups.items()}


def _asked(course: Course) -> Asked:
    paths = [stage.skeleton / file for stage in course.stages for file in stage.files]
    return _names_in(*paths, *(course.given_dir / file for file in course.given))


@cache
def _names_in(*paths: Path) -> Asked:
    return names_asked(read_source(path) for path in paths)


def _groups(package_dir: Path, course: Course) -> dict[str, list[Source]]:
    """Each file of the course, followed by the files of the student's own that it imports first."""
    own_files = _own_files(package_dir, course)
    problem = ""
    if len(own_files) > OWN_FILES_MAX:
        problem = f"there are more than {OWN_FILES_MAX} files that the course does not know"

    def read_own(module: str) -> Source:
        own_files.remove(module)
        file = f"{module}.py"
        return Source(file, problem=problem) if problem else read_source(package_dir / file)

    groups = {file: [read_source(package_dir / file)] for s in course.stages for file in s.files}
    for group in groups.values():
        for source in group:  # grows while it is read: an own file may import another
            group += [read_own(module) for module in sorted(source.imports & own_files)]
    return groups


def _own_files(package_dir: Path, course: Course) -> set[str]:
    """The modules that the course does not know, and given ones that were changed."""
    return {
        path.stem
        for path in package_dir.glob("*.py")
        if course.stage_of(path.name) is None
        and not (path.name in course.given and _is_as_given(path, course))
    }


def _is_as_given(path: Path, course: Course) -> bool:
    given = course.given_dir / path.name
    # Compared line by line: a checkout may have changed the ends of lines.
    return path.read_bytes().splitlines() == given.read_bytes().splitlines()
