"""Draw the pictures of the documents: `make pictures` (a minute).

    learning_curve.png, parity.png   energies: input_files/train_best.ini
    force_parity.png                 forces: input_files/train_force_best.ini
    stages.png                       all stages of input_files/train_stages.ini

energy_conservation.png is what `make tutorial-md` draws into tutorial_md.

Trains in a temporary folder and evaluates the last checkpoint on the test set, with the
same commands and keys a user has.
"""

import re
import shutil
import sys
import tempfile
from pathlib import Path

from annpot.apps import evaluate, stages, train
from annpot.reports import learning_curve

HERE = Path(__file__).parent
INPUT_FILES = Path("input_files")


def main():
    """Write the PNG files beside this file; return an exit code."""
    with tempfile.TemporaryDirectory() as temporary:
        energies, forces = Path(temporary) / "energies", Path(temporary) / "forces"
        exit_code = _results("train_best.ini", "validation1.ini", energies)
        exit_code = exit_code or _results(
            "train_force_best.ini", "validation_force.ini", forces
        )
        if exit_code:
            return exit_code
        learning_curve(energies / "train/metrics.dat", HERE / "learning_curve.png")
        (parity,) = energies.glob("*_parity.png")
        shutil.copyfile(parity, HERE / "parity.png")
        (parity,) = forces.glob("*_forces_parity.png")
        shutil.copyfile(parity, HERE / "force_parity.png")
        return _stages(Path(temporary))


def _stages(folder):
    """Train the plan of several stages and draw their errors; an exit code."""
    ini = str(_edited("train_stages.ini", folder, train_dir=folder / "stages"))
    picture = str(HERE / "stages.png")
    return (
        train.main(["-c", ini])
        or train.main(["-c", ini, "--stage", "small_steps"])
        or train.main(["-c", ini, "--stage", "polish"])
        or stages.main(["plot", "-c", ini, "--output", picture])
    )


def _results(train_name, evaluate_name, folder):
    """Train and evaluate by two shipped INI files into a folder; an exit code."""
    folder.mkdir()
    train_ini = _edited(train_name, folder, train_dir=folder / "train")
    evaluate_ini = _edited(
        evaluate_name,
        folder,
        train_ini=train_ini,
        networks_dir=folder / "train" / "_models",
        eval_dir=folder,
    )
    return train.main(["-c", str(train_ini)]) or evaluate.main(
        ["-c", str(evaluate_ini)]
    )


def _edited(name, folder, **values):
    """Copy of a shipped INI file with other values; its path."""
    text = (INPUT_FILES / name).read_text()
    for key, value in values.items():
        text = re.sub(rf"^{key} = .*$", f"{key} = {value}", text, flags=re.M)
    path = folder / name
    path.write_text(text)
    return path


if __name__ == "__main__":
    sys.exit(main())
