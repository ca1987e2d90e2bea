"""Draw the two pictures of the README: `make pictures` (half a minute).

Trains input_files/train1_decay.ini in a temporary folder and evaluates its last
checkpoint on the test set, with the same commands and keys a user has.
"""

import re
import shutil
import sys
import tempfile
from pathlib import Path

from annpot.apps import evaluate, train
from annpot.reports import learning_curve

HERE = Path(__file__).parent
INPUT_FILES = Path("input_files")


def main():
    """Write learning_curve.png and parity.png beside this file; return an exit code."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        train_ini = _edited("train1_decay.ini", folder, train_dir=folder / "train")
        evaluate_ini = _edited(
            "validation1.ini",
            folder,
            train_ini=train_ini,
            networks_dir=folder / "train" / "_models",
            eval_dir=folder,
        )
        for main_of, ini in ((train.main, train_ini), (evaluate.main, evaluate_ini)):
            exit_code = main_of(["-c", str(ini)])
            if exit_code:
                return exit_code
        learning_curve(folder / "train" / "metrics.dat", HERE / "learning_curve.png")
        (parity,) = folder.glob("*_parity.png")
        shutil.copyfile(parity, HERE / "parity.png")
    return 0


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
