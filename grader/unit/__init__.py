"""One unit of grading: the tests of one stage against one assembled package."""

from grader.unit.package import assemble
from grader.unit.run import Unit, run_unit

__all__ = ["Unit", "assemble", "run_unit"]
