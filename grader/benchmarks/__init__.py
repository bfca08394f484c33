"""What the grader costs, measured."""
