"""A class at a time: runs submissions side by side, records outcomes as they come, goes on after a
kill, and runs nothing twice without need.
"""

from grader.batch.run import Batch, Watch

__all__ = ["Batch", "Watch"]
