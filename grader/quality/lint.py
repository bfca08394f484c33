"""Asks ruff about a submission's files: one process for all of them, only the grader's own rules.

Invariants: ruff sees copies in a folder of the grader's, so nothing that a submission brings is
configuration or importable; comments that would suppress a rule are blanked in the copies.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
import tokenize
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from grader.quality.settings import QualityError, RuffSettings
from grader.quality.source import Source

COMPLEXITY_RULE = "C901"
RUFF_SECONDS_MAX = 120  # a guard against a hanging tool; no mark depends on it

_SUPPRESSION = re.compile(r"noqa|ruff|isort|flake8|pylint|type:", re.IGNORECASE)


@dataclass(frozen=True, order=True)
class Finding:
    """One finding of ruff: `line` counts from 1, `rule` is its code."""

    line: int
    rule: str
    message: str


class _Place(msgspec.Struct):
    row: int


class _Report(msgspec.Struct):
    filename: str
    message: str
    location: _Place
    code: str | None = None


def lint(sources: Iterable[Source], settings: RuffSettings) -> dict[str, list[Finding]]:
    """Findings by file name, in the order of lines, `C901` among them.

    Raises `QualityError` when ruff cannot be run.
    """
    texts = {source.name: without_suppressions(source.text) for source in sources}
    if not texts:
        return {}
    with tempfile.TemporaryDirectory(prefix="quality-") as folder:
        package = Path(folder) / "kvstore"
        package.mkdir()
        for name, text in texts.items():
            (package / name).write_bytes(text.encode())
        reports = _run_ruff(package, settings)
    findings: dict[str, list[Finding]] = {name: [] for name in texts}
    for report in reports:
        finding = Finding(report.location.row, report.code or "E999", _printable(report.message))
        findings[Path(report.filename).name].append(finding)
    return {name: sorted(found) for name, found in findings.items()}


def without_suppressions(text: str) -> str:
    """Blank what silences a linter, such as `# noqa`, and keep every line as long as it was."""
    lines = list(io.StringIO(text, newline=""))
    try:
        tokens = list(tokenize.generate_tokens(iter([*lines, ""]).__next__))
    except (tokenize.TokenError, SyntaxError):  # then ruff's own `--ignore-noqa` must do
        return text
    for token in tokens:
        if token.type == tokenize.COMMENT:
            row, start = token.start[0] - 1, token.start[1]
            comment = _SUPPRESSION.sub(lambda found: "-" * len(found[0]), token.string)
            end = start + len(token.string)
            lines[row] = lines[row][:start] + comment + lines[row][end:]
    return "".join(lines)


def _run_ruff(package: Path, settings: RuffSettings) -> list[_Report]:
    # -P: Python must not look for modules beside the student's files.
    command = [sys.executable, "-P", "-m", "ruff", "check", "--isolated", "--ignore-noqa"]
    command += ["--no-cache", "--no-respect-gitignore", "--quiet", "--output-format", "json"]
    command += ["--select", ",".join((*settings.rules, COMPLEXITY_RULE))]
    command += ["--target-version", settings.target_version]
    command += ["--config", f"line-length = {settings.line_length}"]
    command += ["--config", f"lint.mccabe.max-complexity = {settings.complexity_max}", str(package)]
    environment = {name: value for name, value in os.environ.items() if "RUFF" not in name.upper()}
    try:
        done = subprocess.run(
            command,
            cwd=package.parent,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=RUFF_SECONDS_MAX,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise QualityError(f"ruff cannot be run: {problem}") from problem
    if done.returncode not in (0, 1):
        said = done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}"
        raise QualityError(f"ruff failed: {said}")
    return msgspec.json.decode(done.stdout, type=list[_Report])


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
