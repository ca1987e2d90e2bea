"""What there is to tell about one INI file, collected to be told at once."""

from annpot.errors import InputError

REFERENCE = "Keywords: doc/keywords.md"


class Findings:
    """Problems and notices of one INI file, told in the order of its lines.

    A problem ends the command, a notice does not. What is found in another file, such
    as a stored stage, names that file and is told after the rest.
    """

    def __init__(self, path):
        self.path = path
        self._problems = []  # (path, line or None, text)
        self._notices = []

    def problem(self, text, line=None, path=None):
        """Note that something is wrong; `line` counts from 1."""
        self._problems.append((path or self.path, line, text))

    def notice(self, text, line=None, path=None):
        """Note something that the user may not expect; `line` counts from 1."""
        self._notices.append((path or self.path, line, text))

    def take(self, others):
        """Add everything that other Findings hold."""
        self._problems += others._problems
        self._notices += others._notices

    @property
    def problems(self):
        """(line or None, text) of each problem, in the order of finding."""
        return [(line, text) for _, line, text in self._problems]

    @property
    def own_notices(self):
        """(line, text) of each notice that has a line, in the order of finding."""
        return [(line, text) for _, line, text in self._notices if line]

    @property
    def notices(self):
        """One text for each notice: `train.ini:12: ...`."""
        return self._told(self._notices)

    def raise_if_wrong(self):
        """Raise InputError with all problems, where there are any."""
        problems = self._told(self._problems)
        if problems:
            count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
            paths = dict.fromkeys(str(path) for path, _, _ in self._problems)
            where = " and ".join(sorted(paths, key=lambda one: one != str(self.path)))
            raise InputError(problems, f"{count} in {where}. {REFERENCE}")

    def _told(self, found):
        unique = dict.fromkeys(found)  # in the order of finding
        ordered = sorted(
            unique, key=lambda item: (str(item[0]) != str(self.path), item[1] or 0)
        )
        return tuple(f"{place(path, line)}: {text}" for path, line, text in ordered)


def place(path, line=None):
    """`train.ini:27`, or `train.ini` where no line is to blame."""
    return f"{path}:{line}" if line else str(path)
