"""Grades for the tests of exports: a small class, and one in which every text is hostile."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from grader.grading.model import Adjustment, Entry, Grade, QualityMark, Student
from grader.outcome import Comparison, Failure, Frame, Step
from grader.tests.make_outcomes import graded, marks, outcome, rejected, runs, stage1, unit

NASTY = "=cmd|' /C calc'!A0\r\n\x00\x1b[2J\u202e<script>&amp;]]>\ufffe::error::x ##[group]\t\"',;+1"
SECRET = "s3cr3t"

ALICE = Student("100", "alice@example.edu", "Alice A")
BOB = Student("101", "bob@example.edu", "Bob B")


def failure(text: str) -> Failure:
    """A failure with `text` wherever there is a text."""
    return Failure(
        text,
        steps=(Step(text, text), Step(text)),
        comparison=Comparison(text, text, text),
        unwritten=text,
        frames=(Frame(text, 1, text, text),),
        printed=text,
    )


def hidden(name: str = "hid", status: str = "failed", text: str = SECRET) -> Any:
    """A hidden test of stage 1 worth 2 points, with `text` in every field that would tell."""
    told = outcome(1, f"{text}_{name}", "correctness", 2.0, status, hidden=True, hint="torn-tail")
    return msgspec.structs.replace(told, title=text, failure=failure(text))


def small_class() -> list[Grade]:
    """Alice passes all, Bob and Carol hand in together and fall short, Dave is rejected."""
    moment = datetime(2026, 11, 20, 12, tzinfo=UTC)
    alice = graded("alice", entry=Entry("alice", "0a", ALICE, moment), seconds=61.26)
    first = unit(1, *stage1("get").outcomes, hidden("a"), hidden("b", "passed"))
    pair = Student("101; 102", "bob@example.edu; carol@example.edu", "Bob B; Carol C")
    bob = graded("bob", entry=Entry("bob", "0b", pair), runs=tuple(runs(first)))
    bob = adjusted(bob, Adjustment("late: 1 day", -10.0))
    return [alice, bob, rejected("dave", "no package in <it>")]


def adjusted(grade: Grade, *adjustments: Adjustment) -> Grade:
    """The grade with these adjustments, added up."""
    score = round(grade.raw_score + sum(one.points for one in adjustments), 2)
    return msgspec.structs.replace(grade, score=score, adjustments=adjustments)


def nasty() -> Grade:
    """A grade with hostile text in every field that a submission, a student or a name reaches."""
    bad = outcome(1, "bad", "correctness", 1.0, "failed", failure=failure(NASTY))
    bad = msgspec.structs.replace(bad, test=NASTY, title=NASTY, hint=NASTY)
    hid = msgspec.structs.replace(bad, test=f"{NASTY}2", hidden=True)
    first = unit(1, *stage1().outcomes, bad, hid)
    quality = (QualityMark(1, NASTY, 0.5, 1.0, (NASTY,)), *marks()[1:])
    entry = Entry("nasty", NASTY, Student(NASTY, NASTY, NASTY), ignored=(NASTY,))
    grade = graded("nasty", entry=entry, runs=tuple(runs(first)), quality=quality)
    return msgspec.structs.replace(
        grade,
        submission=NASTY,
        isolation=NASTY,
        problem=NASTY,
        adjustments=(Adjustment(NASTY, 0.0),),
        flags=(NASTY,),
        grader_version=NASTY,
    )
