"""Everything that is wrong with one INI file, collected to be told at once."""

from annpot.errors import InputError

REFERENCE = "Keywords: doc/keywords.md"


class Problems:
    """The problems of one INI file, told in the order of its lines."""

    def __init__(self, path):
        self.path = path
        self._found = []  # (line or None, text)

    def add(self, text, line=None):
        """Note a problem; `line` counts from 1."""
        if (line, text) not in self._found:
            self._found.append((line, text))

    def __len__(self):
        return len(self._found)

    def raise_if_any(self):
        """Raise InputError with all problems, where there are any."""
        if not self._found:
            return
        ordered = sorted(self._found, key=lambda problem: problem[0] or 0)
        count = len(ordered)
        raise InputError(
            [f"{place(self.path, line)}: {text}" for line, text in ordered],
            f"{count} problem{'s' if count > 1 else ''} in {self.path}. {REFERENCE}",
        )


def place(path, line=None):
    """`train.ini:27`, or `train.ini` where no line is to blame."""
    return f"{path}:{line}" if line else str(path)
