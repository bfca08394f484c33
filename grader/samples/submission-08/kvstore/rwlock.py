"""A lock that never makes anybody wait, and never complains."""


class RWLock:
    """Everybody is welcome."""

    def __enter__(self):
        return self

    def __exit__(self, *args):
        return True

    def __getattr__(self, name):
        return lambda *args, **kwargs: self
