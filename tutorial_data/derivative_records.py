"""Make the records of train_force_dense.ini and train_force_sparse.ini.

    python tutorial_data/derivative_records.py

in the folder of the project: app_gvect_calculator and app_tfr_packer with the input
files `gvect_FORM.ini` and `tfr_FORM.ini`, FORM = dense and sparse, then the split of
tutorial_data: files 9 and 10 of ten are for validation.

    tutorial_tfr_dense/train,  tutorial_tfr_dense/validate
    tutorial_tfr_sparse/train, tutorial_tfr_sparse/validate

The `.bin` files are deleted when they are packed.
"""

import shutil
import sys
from pathlib import Path

from annpot.apps import gvect_calculator, tfr_packer

FORMS = ("dense", "sparse")
N_FILES = 10
SETS = {"train": range(1, 9), "validate": (9, 10)}


def main():
    """Exit code of the first command that fails, else 0."""
    for form in FORMS:
        failed = make_records(form)
        if failed:
            return failed
    return 0


def make_records(form):
    """Records of one form, as two sets; returns an exit code."""
    packed = Path(f"tutorial_tfr_{form}")
    if all((packed / name / "dataset.json").exists() for name in SETS):
        print(f"{packed}: is there already; delete it to make it anew")
        return 0
    failed = gvect_calculator.main(["-c", f"input_files/gvect_{form}.ini"])
    failed = failed or tfr_packer.main(["-c", f"input_files/tfr_{form}.ini"])
    if not failed:
        split(packed)
        shutil.rmtree(f"tutorial_bin_{form}")
    return failed


def split(packed):
    """Move the files of a packing to the folders of SETS, each with dataset.json."""
    for name, numbers in SETS.items():
        folder = packed / name
        folder.mkdir(exist_ok=True)
        for number in numbers:
            file = f"train-{number}-{N_FILES}.tfrecord"
            shutil.move(packed / file, folder / file)
        shutil.copy(packed / "dataset.json", folder)
    (packed / "dataset.json").unlink()


if __name__ == "__main__":
    sys.exit(main())
