"""The quality suite: style, complexity, type hints and docstrings, measured on text alone."""
