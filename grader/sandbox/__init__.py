"""What the child process may see and use: the strongest walls that this machine can build."""

from grader.sandbox.isolation import Isolation, Walls, strongest

__all__ = ["Isolation", "Walls", "strongest"]
