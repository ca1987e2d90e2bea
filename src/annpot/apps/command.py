"""What every command shares: its flags, its messages and its exit codes."""

import argparse
import sys

from annpot import __version__
from annpot.errors import UNFINISHED, AnnpotError, InputError, NotFinished
from annpot.training.interruption import stopped_at_once


def run_command(name, description, run, argv=None, add_flags=None):
    """Parse `-c FILE`, call `run(path)` and turn failures into messages.

    Args:
        name: the command as typed, for example `app_train`.
        description: one sentence for `--help`.
        run: function of the INI file's path; imports what it needs itself, so
            that `--help` stays instant.
        argv: arguments without the program's name; sys.argv[1:] when None.
        add_flags: adds further flags to an ArgumentParser; `run` gets their values
            by name.

    Returns:
        exit code: 0 done, 1 failed run, 2 bad input, 75 not finished: the
        same command goes on (Ctrl-C, SIGTERM, SIGUSR1, limits of a run).
    """
    parser = make_parser(name, description)
    parser.add_argument("-c", "--config", required=True, metavar="INI", help="INI file")
    if add_flags is not None:
        add_flags(parser)
    arguments = vars(parser.parse_args(argv))
    path, debug = arguments.pop("config"), arguments.pop("debug")
    return exit_code_of(name, lambda: run(path, **arguments), debug)


def make_parser(name, description):
    """ArgumentParser with the flags that every command has: --debug, --version."""
    parser = argparse.ArgumentParser(
        prog=name, description=description, epilog="Every key: doc/keywords.md"
    )
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    parser.add_argument("--version", action="version", version=f"annpot {__version__}")
    return parser


def exit_code_of(name, action, debug=False):
    """Call `action()`, turn failures into messages; return the exit code.

    Args:
        name: the command as typed.
        action: function without arguments.
        debug: raise failures instead.
    """
    try:
        with stopped_at_once():
            action()
    except AnnpotError as error:
        if debug and not isinstance(error, NotFinished):
            raise
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"{name}: interrupted; run it again to go on.", file=sys.stderr)
        return UNFINISHED
    except MemoryError as error:
        if debug:
            raise
        what = f" ({error})" if str(error) else ""
        print(
            f"{name}: not enough memory{what}. Use smaller batches or networks, or a "
            "smaller memory_budget_mb.",
            file=sys.stderr,
        )
        return AnnpotError.exit_code
    except OSError as error:
        if debug:
            raise
        print(explain(error), file=sys.stderr)
        return InputError.exit_code
    return 0


def explain(error):
    """One line for an operating system error that nobody explained closer by."""
    where = error.filename if error.filename is not None else "a file"
    what = error.strerror or error
    return f"{where}: {what}. Check the path, its permissions and the disk."
