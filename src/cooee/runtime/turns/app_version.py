"""The code version of a loaded app: a hash of the user's own code (replay rule 10)."""

from __future__ import annotations

import inspect
import sys
from importlib.metadata import version
from typing import Any

from cooee.core.app.app import App
from cooee.core.app.routes import Dialogue
from cooee.core.dialogue.code_version import functions_of, hash_code, hash_parts
from cooee.runtime.turns.own_modules import read_own_modules


class CodeVersion:
    """The code version of an app in this process.

    Where a module is imported later that no import statement names, a plug-in, say, the version
    is another one from then on: so nothing that was recorded with that module is taken for the
    work of a process that may yet import an edited one.
    """

    def __init__(self, app: App[Any, Any]) -> None:
        self._app = app
        self._module_count = 0
        self._version = ""

    def __call__(self) -> str:
        """Return the code version; at once, where no module has come since the last call."""
        count = len(sys.modules)
        if count != self._module_count:
            self._version, self._module_count = code_version_of(self._app), count
        return self._version


def code_version_of(app: App[Any, Any]) -> str:
    """Return the code version of an app, with the modules that are loaded now.

    Another name is another program: a module of the user's own has changed, come or gone, a
    dialogue has come, gone or been renamed, or the app, cooee or Python has another version. The
    user's own modules are all but Python's, cooee's and those of installed libraries; an app that
    is itself installed counts, with all that its distribution installed. Their folders and the
    ends of their lines do not count.

    A module is read once, when its version is first asked for. Where its file was replaced after
    it was imported and before it was read, the version is that of the file. The next process then
    has other code under the same version, and a dialogue that goes another way there goes on.
    """
    python = ".".join(map(str, sys.version_info[:2]))
    versions = f"cooee {version('cooee')}, Python {python}, app {app.version}"
    dialogues = app.routes.dialogues
    if not dialogues:
        return hash_parts((), versions)
    homes = {str(getattr(dialogue.handler.function, "__module__", "")) for dialogue in dialogues}
    found = read_own_modules(homes).items()
    own = [(name, module.content) for name, module in found if module.content]
    return hash_parts([*own, *map(_part_of_dialogue, dialogues)], versions)


def _part_of_dialogue(dialogue: Dialogue) -> tuple[str, bytes]:
    """Return a dialogue's name and its code, with its neighbours' where no module is theirs."""
    function = inspect.unwrap(dialogue.handler.function)
    codes, names = [getattr(function, "__code__", None)], getattr(function, "__globals__", {})
    home = getattr(function, "__module__", None)
    if getattr(sys.modules.get(str(home)), "__dict__", None) is not names:  # of `exec`, say
        codes += functions_of(names, home)
    content = b"".join(hash_code(code) for code in codes if code)
    return f"dialogue {' was '.join([dialogue.name, *dialogue.former_names])}", content
