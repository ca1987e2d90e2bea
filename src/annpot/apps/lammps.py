"""app_lammps: the pair style of LAMMPS built, checked and run."""

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
    argv = list(sys.argv[1:] if argv is None else argv)
    # argparse takes no words behind a flag for a list of positional ones.
    end = argv.index("--") if "--" in argv else len(argv)
    arguments, words = vars(parser.parse_args(argv[:end])), argv[end + 1 :]
    action, debug = arguments.pop("action"), arguments.pop("debug")
    if action == "run":
        arguments["words"] = words
    elif words:
        parser.error(f"unknown words {' '.join(words)}: only run passes words on")
    run, _, _ = ACTIONS[action]
    return exit_code_of(NAME, lambda: run(**arguments), debug)


def _build(**options):
    from annpot.deploy.lammps.build import build
    from annpot.deploy.lammps.installation import plugin_path

    made = build(**options)
    print(f"{made.path}: {'compiled' if made.is_new else 'is up to date'}.")
    if str(made.path.parent) == plugin_path():
        print("lmp of this environment loads it: pair_style annpot is there.")
    else:
        print(f"In LAMMPS: plugin load {made.path}")


def _plugin():
    """Path of the plugin for LAMMPS of this environment, compiled where needed."""
    from annpot.deploy.lammps.build import build

    made = build()
    if made.is_new:
        print(f"{made.path}: compiled.")
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
            f"{', '.join(wrong)}. Build the plugin again (app_lammps build --force)."
        )
    print(f"{model}: LAMMPS and the model agree to rounding.")


def _run(input, ranks, words):
    import subprocess

    from annpot.deploy.lammps.installation import program
    from annpot.errors import AnnpotError

    _plugin()  # where lmp of this environment loads it from
    command = [str(program("lmp")), "-in", input, *words]
    if ranks > 1:
        command = [str(program("mpiexec")), "-n", str(ranks), *command]
    code = subprocess.run(command, check=False).returncode
    if code:
        raise AnnpotError(f"{input}: LAMMPS stopped with exit code {code}; see above.")


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
        "--ranks", type=int, default=1, metavar="N", help="processes of MPI"
    )


def _add_check(parser):
    parser.add_argument("model", metavar="MODEL", help="folder of the model")
    _add_ranks(parser)


def _add_run(parser):
    parser.add_argument("input", metavar="INPUT", help="input script of LAMMPS")
    _add_ranks(parser)
    parser.epilog = "Words after -- go to lmp: app_lammps run FILE -- -var seed 2"


ACTIONS = {
    "build": (_build, "Compile the pair style for the installed LAMMPS.", _add_build),
    "check": (_check, "Run a model's golden structures in LAMMPS.", _add_check),
    "run": (_run, "Run LAMMPS with the pair style loaded.", _add_run),
}
