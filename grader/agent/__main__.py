"""Start an agent: `python __main__.py`, with its settings as the first message on standard input.

The folder is made importable under the private name `grader_agent`, so that no module of a package
under test can be mistaken for one of the agent's own. The agent's modules get built-in functions of
their own, a copy, since code under test can replace those in `builtins`.
"""

import builtins
import sys
import types
from _frozen_importlib_external import FileFinder, SourceFileLoader

_own_builtins = dict(vars(builtins))


class _Loader(SourceFileLoader):
    def create_module(self, spec):  # type: ignore[no-untyped-def]
        """Make a module with our own built-in functions."""
        module = types.ModuleType(spec.name)
        vars(module)["__builtins__"] = _own_builtins
        return module


folder = __file__.rpartition("__main__")[0].rstrip("/\\")
package = types.ModuleType("grader_agent")
package.__path__ = [folder]
sys.modules["grader_agent"] = package
sys.path_importer_cache[folder] = FileFinder(folder, (_Loader, [".py"]))

from grader_agent.serve import main  # type: ignore[import-not-found]  # noqa: E402

del sys.path_importer_cache[folder]
main()
