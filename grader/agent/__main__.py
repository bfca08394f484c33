"""Start an agent: `python agent-folder`, with its settings as the first message on standard input.

The folder is made importable under the private name `grader_agent`, so that no module of a package
under test can be mistaken for one of the agent's own.
"""

import sys
import types

folder = sys.path.pop(0)
package = types.ModuleType("grader_agent")
package.__path__ = [folder]
sys.modules["grader_agent"] = package

from grader_agent.serve import main  # type: ignore[import-not-found]  # noqa: E402

main()
