"""The command line: `python -m kvstore serve` and `python -m kvstore repl`.

Arguments in; a server or a conversation out. What goes wrong is one sentence on standard error and
exit code 1.

Not here: what a command is or does. The parser and the dispatcher know that already.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

# You will also need: `Store`, `Server`, `Dispatcher`, `Parser` and `ErrorReply`, the errors
# `KVStoreError` and `ProtocolError`, and of the standard library `argparse` and `signal`.

_DEFAULT_DATA_DIR = "kvstore-data"
_DEFAULT_PORT = 6379  # where redis-cli looks


def main(argv: Sequence[str] | None = None) -> int:
    """Run one of the two commands and return the exit code; bad arguments exit with 2."""
    # TODO: read the arguments (argparse exits with 2 by itself), open the store, and close it again
    # whatever happens. Write functions of your own for the parts: the arguments, `serve`, `repl`,
    # and how a reply is printed.
    # serve: SIGTERM should end things the way Ctrl-C does, by an exception in the main thread, so
    # that every `with` and `finally` on the way out does its work. Flush the line that says where
    # you listen: whoever started you waits for it.
    # repl: one line in, its replies out. README.md says how each kind of reply is printed.
    raise NotImplementedError("stage 6: main")


if __name__ == "__main__":
    sys.exit(main())
