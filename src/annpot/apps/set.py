"""app_set: change what data, networks and checkpoints say of themselves."""

import sys

from annpot.apps.command import exit_code_of, make_parser
from annpot.errors import InputError

NAME = "app_set"


def main(argv=None):
    """Entry point of app_set."""
    parser = make_parser(
        NAME, "Change stored metadata; the old value is kept in a log beside it."
    )
    parser.add_argument("path", metavar="PATH", help="data, networks or a checkpoint")
    parser.add_argument("key", metavar="KEY", nargs="?", help="without: list all keys")
    parser.add_argument("value", metavar="VALUE", nargs="?", help="new value")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    arguments = vars(parser.parse_args(argv))
    debug = arguments.pop("debug")
    return exit_code_of(NAME, lambda: _run(**arguments), debug)


def _run(path, key, value, yes):
    from annpot.inspection.change import target
    from annpot.inspection.changes import in_words

    found = target(path)
    if key is None:
        _list(found)
        return
    stored = found.find(key)
    if value is None:
        raise InputError(
            f"{found.path}: {stored.key} = {in_words(stored.value)}: expected a new "
            f"value as well: {NAME} {path} {stored.key} VALUE."
        )
    _change(found, stored, found.parsed(stored, value), yes)


def _change(found, stored, value, yes):
    """Store a value that is another one, after asking."""
    from annpot.inspection.changes import in_words, log_entry

    if value == stored.value:
        now = in_words(value)
        print(f"{found.path}: {stored.key} is {now} already; nothing changed.")
        return
    change = f"{stored.key}: {in_words(stored.value)} -> {in_words(value)}"
    if not yes:
        _ask(f"{found.path} ({found.kind})\n  {change}\nChange it?")
    found.write(stored.key, value, log_entry(stored.key, stored.value, value))
    print(f"{found.path}: {change}")


def _ask(question):
    """Ask on the terminal; without one, or with another answer than yes, stop."""
    if not sys.stdin.isatty():
        raise InputError(f"{question} There is no terminal to ask on: give --yes.")
    if input(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
        raise InputError("Nothing was changed.")


def _list(found):
    """What can be set, with present values; then what cannot, and why."""
    print(f"{found.path}: {found.kind}. Can be set:")
    print(found.listed())
    for one in found.values.values():
        if one.refusal:
            print(f"Cannot be set: {one.key}: {one.refusal}")
