"""app_lammps: the pair style of LAMMPS built, checked and run."""

import argparse
import sys

from annpot.apps.command import exit_code_of, make_parser

NAME = "app_lammps"


def main(argv=None):
    """Entry point of app_lammps."""
    parser = make_parser(NAME, "Build and check pair style annpot; run LAMMPS with it.")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, (_, about, add_flags) in ACTIONS.items():
        action = actions.add_parser(name, help=about, description=about)
        add_flags(action)
    given = list(sys.argv[1:] if argv is None else argv)
    n_own = given.index("--") if "--" in given else len(given)
    own = given[:n_own]
    if "--flags" in own[:-1]:  # its value begins with a minus
        k = own.index("--flags")
        own = [*own[:k], f"--flags={own[k + 1]}", *own[k + 2 :]]
    arguments = vars(parser.parse_args(own))
    if "words" in arguments:
        arguments["words"] = given[n_own + 1 :]
    elif n_own < len(given):
        parser.error("words after -- are for app_lammps run only")
    run, _, _ = ACTIONS[arguments.pop("action")]
    debug = arguments.pop("debug")
    return exit_code_of(NAME, lambda: run(**arguments), debug)


def _build(**options):
    from annpot.deploy.lammps.build import build
    from annpot.deploy.lammps.installation import plugin_path

    made = build(**options)
    print(f"{made.path}: {'compiled' if made.is_new else 'is up to date'}.")
    if str(made.path.parent) == plugin_path():
        print("lmp of this environment loads it: pair_style annpot is there.")
    else:
        path = str(made.path)
        print(
            f"In LAMMPS: plugin load {path if path.split() == [path] else repr(path)}"
        )


def _plugin():
    """Path of the plugin for LAMMPS of this environment, compiled where needed."""
    from annpot.deploy.lammps.build import ready

    made = ready()
    if made.is_new:
        print(f"{made.path}: compiled.", flush=True)
    return made.path


def _check(model, ranks):
    from annpot.deploy.golden_check import golden_deviations
    from annpot.deploy.lammps.engine import lammps_results
    from annpot.errors import AnnpotError
    from annpot.models.folder import read_model
    from annpot.result_tables import deviation_table, show

    loaded, plugin = read_model(model), _plugin()
    found = golden_deviations(
        loaded, lambda golden: lammps_results(plugin, model, golden, ranks)
    )
    show(deviation_table(found))
    wrong = [one.name for one in found if not one.agrees]
    if wrong:
        raise AnnpotError(
            f"{model}: LAMMPS differs from the model by more than rounding for "
            f"{', '.join(wrong)}. Build the plugin again (app_lammps build --force); "
            "if it stays, model.json was changed: extract the model again."
        )
    print(f"{model}: LAMMPS and the model agree to rounding.")


def _run(script, ranks, words):
    from annpot.deploy.lammps.run import run_script

    _plugin()  # where lmp of this environment loads it from
    run_script(script, ranks, words)


def _add_build(parser):
    parser.add_argument(
        "--lammps", metavar="FOLDER", help="LAMMPS' sources or where it is installed"
    )
    parser.add_argument("--mpi", metavar="FOLDER", help="folder of its mpi.h")
    parser.add_argument("--output", metavar="FOLDER", help="folder of the plugin")
    parser.add_argument("--compiler", default="g++", help="C++ compiler, or mpicxx")
    parser.add_argument(
        "--flags",
        metavar="FLAGS",
        help="for the processor, and -DLAMMPS_BIGBIG where LAMMPS was built so; "
        "default: -march=native",
    )
    parser.add_argument("--force", action="store_true", help="compile in any case")


def _add_ranks(parser):
    parser.add_argument(
        "--ranks", type=_ranks, default=1, metavar="N", help="processes of MPI"
    )


def _ranks(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: expected a number of 1 or more")
    return int(text)


def _add_check(parser):
    parser.add_argument("model", metavar="MODEL", help="folder of the model")
    _add_ranks(parser)


def _add_run(parser):
    parser.add_argument("script", metavar="INPUT", help="input script of LAMMPS")
    _add_ranks(parser)
    parser.set_defaults(words=())
    parser.usage = f"{NAME} run [-h] [--ranks N] INPUT [-- WORD ...]"
    parser.epilog = "WORDs go to lmp, such as -var temperature 300."


ACTIONS = {
    "build": (_build, "Compile the pair style for the installed LAMMPS.", _add_build),
    "check": (_check, "Run a model's golden structures in LAMMPS.", _add_check),
    "run": (_run, "Run LAMMPS with the pair style loaded.", _add_run),
}
