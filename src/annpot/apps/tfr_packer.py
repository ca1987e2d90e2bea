"""app_tfr_packer: `.bin` files into TFRecord files."""

from annpot.apps.command import run_command


def main(argv=None):
    """Entry point of app_tfr_packer."""
    return run_command(
        "app_tfr_packer", "Pack descriptors into TFRecord files.", _run, argv
    )


def _run(path):
    from dataclasses import replace

    from annpot import files
    from annpot.config import load_tfr
    from annpot.data.bin_folder import open_bin_folder
    from annpot.data.packing import pack, packing_plan
    from annpot.progress import progress

    config = load_tfr(path)
    for notice in config.source.notices:
        print(notice)
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
    folder = config.io.output_dir
    with files.only_one_in(folder, "app_tfr_packer"):
        with progress("packing", len(bins.paths), "structures") as advance:
            run = pack(bins, folder, packing_plan(config), advance)
        files.write_text(folder / "tfr.expanded.ini", config.source.expanded_text())
    if run.damaged:
        n = len(run.damaged)
        print(f"{n} damaged {'file was' if n == 1 else 'files were'} packed again.")
    print(f"{run.n_written} files written, {run.n_kept} kept: {folder}")
    print(f"fingerprint {run.description.fingerprint[:16]}")
