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
    from dataclasses import replace

    from annpot import files
    from annpot.config import load_gvect
    from annpot.data.descriptor_files import compute_descriptor_files
    from annpot.data.descriptor_task import descriptor_task
    from annpot.data.disk_need import disk_need, require_room
    from annpot.progress import progress
    from annpot.structures.readers import n_structures, structure_sources

    config = load_gvect(path, folder_info)
    for notice in config.source.notices:
        print(notice)
    assumptions = Counter()
    source = config.io.input_json_dir
    sources = structure_sources(source, assumptions=assumptions)
    task = descriptor_task(config)
    task = replace(
        task,
        describe=_started_quickly(task.describe),
        n_derivatives=_started_quickly(task.n_derivatives),
    )
    print(_headline(task.origin))
    if task.origin.derivatives is not None:
        need = disk_need(structure_sources(source, assumptions=Counter()), task)
        print(f"{task.origin.derivatives} derivatives: {need}")
        require_room(need, task.folder)
    expanded = config.source.expanded_text()
    with files.only_one_in(task.folder, "app_gvect_calculator"):
        with progress("descriptors", n_structures(source), "structures") as advance:
            run = compute_descriptor_files(sources, task, advance)
        files.write_text(task.folder / "gvect.expanded.ini", expanded)
    for assumption, count in assumptions.items():
        print(f"{source}: in {count} structures {assumption}.")
    _report(run, task)


def _started_quickly(function):
    """The function, with numba loaded the quick way before the first call."""

    def started(*arguments):
        from annpot.compiled import start_without_scipy

        start_without_scipy()
        return function(*arguments)

    return started


def _headline(origin):
    kind = origin.descriptor["kind"]
    generation = origin.mbp_generation
    kind += "" if generation is None else f" (generation {generation})"
    return f"{kind}, {origin.g_size} components, species {', '.join(origin.species)}"


def _again(names, what):
    """2 damaged files were computed again: a.bin, b.bin"""
    thing = {"damaged": "file", "changed": "structure"}[what]
    many = f"{thing} was" if len(names) == 1 else f"{thing}s were"
    more = " ..." if len(names) > 5 else ""
    listed = ", ".join(names[:5])
    return f"{len(names)} {what} {many} computed again: {listed}{more}"


def _report(run, task):
    for names, what in ((run.damaged, "damaged"), (run.changed, "changed")):
        if names:
            print(_again(names, what))
    if run.at_kinks:
        from annpot.descriptors.derivatives import kink_warning

        print(kink_warning(run.at_kinks))
    print(
        f"{run.n_computed} computed, {run.n_kept} kept from earlier runs: {task.folder}"
    )
