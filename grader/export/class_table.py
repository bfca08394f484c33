"""The class as a table for spreadsheets and scripts: `class.csv`, one row a submission.

Suites are in points of the 100, stages in percent of their points. It begins with a byte order
mark, without which Excel takes UTF-8 for another encoding; `utf-8-sig` reads it away.
"""

from __future__ import annotations

import codecs
import math
from collections import Counter
from collections.abc import Sequence
from typing import get_args

from grader.export.table import Cell, encode_table
from grader.grading.model import Grade
from grader.outcome import SUITES, Status
from grader.report.figures import below

_STATUSES: tuple[Status, ...] = get_args(Status)
_WHO = ("submission", "student_id", "email", "name", "submitted", "score", "raw_score")
_HOW = ("adjustment", "adjustments", "flags", "problem", "ignored", "carried_stages")
_RUN = ("seed", "isolation", "seconds", "digest", "grader_version")


def encode_class_table(grades: Sequence[Grade]) -> bytes:
    """The table, in the order of the grades; a group is one row with all its students."""
    stages = list(dict.fromkeys(stage for grade in grades for stage in grade.stages))
    header = (
        *_WHO,
        *SUITES,
        *(f"{stage}_percent" for stage in stages),
        *_STATUSES,
        *_HOW,
        *_RUN,
    )
    rows = [
        (*_who(grade), *_axes(grade, stages), *_counts(grade), *_how(grade), *_run(grade))
        for grade in grades
    ]
    return codecs.BOM_UTF8 + encode_table(header, rows)


def _who(grade: Grade) -> tuple[Cell, ...]:
    student, submitted = grade.entry.student, grade.entry.submitted
    return (
        grade.submission,
        student.id,
        student.email,
        student.name,
        submitted.isoformat() if submitted is not None else "",
        grade.score,
        grade.raw_score,
    )


def _axes(grade: Grade, stages: Sequence[str]) -> tuple[Cell, ...]:
    suites = [
        float(below(grade.suite_score(suite), grade.weights[suite], 2))
        if suite in grade.suites
        else ""
        for suite in SUITES
    ]
    tallies = [grade.stages.get(stage) for stage in stages]
    shares = [float(below(tally.share * 100, 100, 2)) if tally else "" for tally in tallies]
    return (*suites, *shares)


def _counts(grade: Grade) -> tuple[Cell, ...]:
    counts = Counter(outcome.status for outcome in grade.outcomes)
    return tuple(counts[status] for status in _STATUSES)


def _how(grade: Grade) -> tuple[Cell, ...]:
    adjustments = [f"{one.reason} ({one.points:+g})" for one in grade.adjustments]
    return (
        round(math.fsum(one.points for one in grade.adjustments), 2),
        "; ".join(adjustments),
        "; ".join(grade.flags),
        grade.problem,
        "; ".join(grade.entry.ignored),
        " ".join(str(stage) for stage in grade.carried_stages),
    )


def _run(grade: Grade) -> tuple[Cell, ...]:
    return (
        grade.seed,
        grade.isolation,
        round(grade.seconds, 1),
        grade.entry.digest,
        grade.grader_version,
    )
