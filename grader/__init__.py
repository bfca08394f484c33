"""The auto-grader: runs the course's tests against a package it does not trust, and grades the
outcomes.
"""

__version__ = "0.1.0"
