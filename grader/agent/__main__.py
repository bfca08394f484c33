"""Start an agent: `python __main__.py`, with its settings as the first message on standard input.

The folder is made importable under the private name `grader_agent`, so that no module of a package
under test can be mistaken for one of the agent's own. Each of the agent's modules gets built-in
functions of its own, a copy: code under test can replace those in `builtins`, and those of modules
that it can see.
"""

import builtins
import sys
import types
from _frozen_importlib_external import FileFinder, SourceFileLoader


class _Loader(SourceFileLoader):
    def create_module(self, spec, make=types.ModuleType, own=vars(builtins)):  # type: ignore[no-untyped-def]  # noqa: B008
        """Make a module with built-in functions of its own. What this needs are defaults, since the
        names of this file are gone when it is called last.
        """
        module = make(spec.name)
        module.__dict__["__builtins__"] = {**own}
        return module


folder = __file__.rpartition("__main__")[0].rstrip("/\\")
package = types.ModuleType("grader_agent")
package.__path__ = [folder]
sys.modules["grader_agent"] = package
sys.path_importer_cache[folder] = FileFinder(folder, (_Loader, [".py"]))

from grader_agent.serve import main  # type: ignore[import-not-found]  # noqa: E402

del sys.path_importer_cache[folder]
main()
