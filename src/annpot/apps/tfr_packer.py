"""app_tfr_packer: `.bin` files or structures into TFRecord files."""

from annpot.apps.command import run_command


def main(argv=None):
    """Entry point of app_tfr_packer."""
    return run_command(
        "app_tfr_packer",
        "Pack descriptors or structures into TFRecord files.",
        _run,
        argv,
    )


def _run(path):
    from annpot import files
    from annpot.config import load_tfr
    from annpot.data.packing import pack, packing_plan
    from annpot.progress import progress

    config = load_tfr(path)
    for notice in config.source.notices:
        print(notice)
    source = _structures(config) if _are_structures(config) else _descriptors(config)
    folder = config.io.output_dir
    with files.only_one_in(folder, "app_tfr_packer"):
        with progress("packing", source.n_records, "structures") as advance:
            run = pack(source, folder, packing_plan(config), advance)
        files.write_text(folder / "tfr.expanded.ini", config.source.expanded_text())
    if run.damaged:
        n = len(run.damaged)
        print(f"{n} damaged {'file was' if n == 1 else 'files were'} packed again.")
    if _are_structures(config):
        print(_counts(run.description))
    print(f"{run.n_written} files written, {run.n_kept} kept: {folder}")
    print(f"fingerprint {run.description.fingerprint[:16]}")


def _are_structures(config):
    """Whether the input is structures; `auto` takes .bin files where there are any."""
    path, chosen = config.io.input_dir, config.io.input_format
    if chosen != "auto":
        return chosen == "example"
    return path.is_file() or (
        not any(path.glob("*.bin")) and any(path.glob("*.example"))
    )


def _descriptors(config):
    """BinFolder with the generation that the INI file states."""
    from dataclasses import replace

    from annpot.data.bin_folder import open_bin_folder

    bins = open_bin_folder(config.io.input_dir)
    where = config.source.where("CONTENT_INFORMATION", "mbp_generation")
    generation = config.content.mbp_generation
    bins = replace(bins, origin=bins.origin.with_generation(generation, where))
    if bins.origin.mbp_generation_source == "assumed":
        print(
            f"{config.io.input_dir}: no dataset.json says how these files were made; "
            f"mbp_generation = {bins.origin.mbp_generation} is assumed and recorded. "
            "State it with [CONTENT_INFORMATION] mbp_generation."
        )
    return bins


def _structures(config):
    """StructureFiles; what was assumed about them and idle keys are printed."""
    from collections import Counter

    from annpot.data.structure_files import open_structure_files
    from annpot.progress import progress
    from annpot.structures.readers import n_structures

    path, section = config.io.input_dir, "CONTENT_INFORMATION"
    for key in ("mbp_generation", "include_derivatives", "include_per_atom_quantity"):
        if getattr(config.content, key) not in (None, False):
            where = config.source.where(section, key)
            print(
                f"{where}: [{section}] {key} has no effect: structures are packed, "
                "their descriptors are made when they are used."
            )
    assumptions = Counter()
    with progress("reading", n_structures(path), "structures") as step:
        source = open_structure_files(path, assumptions, step)
    for assumption, count in assumptions.items():
        print(f"{path}: in {count} structures {assumption}.")
    return source


def _counts(description):
    """100 structures of H, O: 100 energies, 95 forces, 20 virials"""
    names = {"energy": "energies", "forces": "forces", "virial": "virials"}
    labels = ", ".join(
        f"{description.labels.get(label, 0)} {name}" for label, name in names.items()
    )
    species = ", ".join(description.species)
    return f"{description.n_structures} structures of {species}: {labels}"
