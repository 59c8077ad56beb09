"""Regular expressions that are compiled when they are first used.

A check of one form is a process of its own, and Python takes longest for patterns with Chinese characters: compiling all those of a check takes
several times as long as the check of a form, and no form needs all of them.
"""

import re
from typing import Any


class Pattern:
    """A regular expression with the methods of ``re.Pattern``, each found at its first call."""

    def __init__(self, text: str | bytes, flags: int = 0) -> None:
        self.text, self.flags = text, flags

    def __getattr__(self, name: str) -> Any:
        method = getattr(re.compile(self.text, self.flags), name)
        setattr(self, name, method)
        return method
