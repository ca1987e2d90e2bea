"""app_gvect_calculator: descriptors of structures, one `.bin` file each."""

from annpot.apps.command import run_command


def main(argv=None):
    """Entry point of app_gvect_calculator."""
    return run_command(
        "app_gvect_calculator",
        "Compute the descriptors of structures.",
        _run,
        argv,
        _add_flags,
    )


def _add_flags(parser):
    parser.add_argument(
        "-f",
        "--folder_info",
        metavar="DIR",
        help="read DIR/examples, write DIR/bin, log to DIR, whatever the INI says",
    )


def _run(path, folder_info=None):
    from collections import Counter

    from annpot import files
    from annpot.config import load_gvect
    from annpot.data.descriptor_files import compute_descriptor_files
    from annpot.data.descriptor_task import descriptor_task
    from annpot.progress import progress
    from annpot.structures.readers import n_structures, structure_sources

    config = load_gvect(path, folder_info)
    for notice in config.source.notices:
        print(notice)
    assumptions = Counter()
    source = config.io.input_json_dir
    sources = structure_sources(source, assumptions=assumptions)
    task = descriptor_task(config)
    print(_headline(task.origin))
    expanded = config.source.expanded_text()
    with files.only_one_in(task.folder, "app_gvect_calculator"):
        with progress("descriptors", n_structures(source), "structures") as advance:
            run = compute_descriptor_files(sources, task, advance)
        files.write_text(task.folder / "gvect.expanded.ini", expanded)
    for assumption, count in assumptions.items():
        print(f"{source}: in {count} structures {assumption}.")
    _report(run, task)


def _headline(origin):
    kind = origin.descriptor["kind"]
    generation = origin.mbp_generation
    kind += "" if generation is None else f" (generation {generation})"
    return f"{kind}, {origin.g_size} components, species {', '.join(origin.species)}"


def _report(run, task):
    if run.damaged:
        print(
            f"{len(run.damaged)} damaged files were computed again: "
            f"{', '.join(run.damaged[:5])}{' ...' if len(run.damaged) > 5 else ''}"
        )
    print(
        f"{run.n_computed} computed, {run.n_kept} kept from earlier runs: {task.folder}"
    )
