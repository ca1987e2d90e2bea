"""A data set of a few dozen small molecules, and INI files that train on it.

Descriptors are random; each element has columns of its own that are zero in all its
atoms, as real descriptors have. Energies are a smooth function of them.
"""

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from annpot.data.records import DescriptorRecord
from annpot.data.tfrecord import encode_record, write_tfrecord
from annpot.networks.stored_domain import domain_texts, read_domain

SPECIES = ("H", "C", "O", "N")
OFFSETS = (-13.62, -1029.41, -2041.84, -1484.87)  # eV
N_FEATURES = 24
N_TRAINING, N_VALIDATION = 45, 13
MOLECULES = ("HHO", "CHHHH", "NHHH", "HCN", "COO")
USED = {  # descriptor columns of each element that are not always zero
    "H": np.arange(0, 16),
    "C": np.arange(8, 14),
    "O": np.array([0, 3, 9, 20]),
    "N": np.array([1, 2, 22]),
}


def small_records(n, seed):
    """`n` DescriptorRecords of 3 to 5 atoms, the molecules in turn."""
    rng = np.random.default_rng(seed)
    return [_record(MOLECULES[i % len(MOLECULES)], f"m{i}", rng) for i in range(n)]


def _record(symbols, name, rng):
    g = np.zeros((len(symbols), N_FEATURES), np.float32)
    energy = 0.0
    for row, symbol in zip(g, symbols, strict=True):
        columns = USED[symbol]
        row[columns] = rng.random(len(columns))
        energy += OFFSETS[SPECIES.index(symbol)] + 0.5 * np.sin(
            3.0 * row.mean(dtype=float)
        )
    species = np.array([SPECIES.index(symbol) for symbol in symbols], np.int64)
    return DescriptorRecord(name=name, species=species, g=g, energy=float(energy))


def write_folder(folder, records, n_files=3):
    """Write records into `n_files` TFRecord files of a new folder; return it."""
    folder = Path(folder)
    folder.mkdir(parents=True)
    for number in range(n_files):
        part = records[number::n_files]
        path = folder / f"train-{number + 1}-{n_files}.tfrecord"
        write_tfrecord(path, map(encode_record, part))
    return folder


@dataclass(frozen=True)
class SmallData:
    """Folders of the data set and their records, in the order of the files."""

    training: Path
    validation: Path

    @staticmethod
    def written(folder):
        """The data set, written below `folder`."""
        return SmallData(
            write_folder(folder / "train", small_records(N_TRAINING, seed=1)),
            write_folder(folder / "validate", small_records(N_VALIDATION, seed=2), 2),
        )


def train_ini(folder, data, **sections):
    """Write `folder`/train.ini and return its path; results go to `folder`/run.

    Args:
        folder: an existing folder.
        data: SmallData.
        sections: keys to set in addition, by section name; a key that is None is
            left out, and so is a section that is None.
    """
    content = {
        "IO_INFORMATION": {
            "data_dir": data.training,
            "train_dir": Path(folder) / "run",
            "metrics": "MAE, RMSE, loss",
            "use_xla": False,
        },
        "DATA_INFORMATION": {
            "atomic_sequence": ", ".join(SPECIES),
            "output_offset": ", ".join(map(str, OFFSETS)),
        },
        "DEFAULT_NETWORK": {"architecture": "6:1"},
        "TRAINING_PARAMETERS": {
            "batch_size": 4,
            "learning_rate": 0.01,
            "steps_per_epoch": 7,
            "max_epochs": 3,
            "seed": 5,
        },
        "VALIDATION_OPTIONS": {"data_dir": data.validation},
    }
    for section, keys in sections.items():
        content[section] = None if keys is None else content.get(section, {}) | keys
    path = Path(folder) / "train.ini"
    path.write_text(
        "\n".join(
            f"[{section}]\n"
            + "".join(f"{k} = {v}\n" for k, v in keys.items() if v is not None)
            for section, keys in content.items()
            if keys is not None
        )
    )
    return path


def trained(path):
    """Train as an INI file says; return what the screen shows."""
    from annpot.apps.training_screen import Screen
    from annpot.config import load_train
    from annpot.training.trainer import train

    shown = io.StringIO()
    train(load_train(path), Screen(shown))
    return shown.getvalue()


def newest_state(folder):
    """SavedState of the newest checkpoint of a train_dir."""
    from annpot.training.saved_state import load_state, newest_prefix

    return load_state(newest_prefix(Path(folder) / "_models"))


def assert_same_state(one, other):
    """Weights, optimizer slots and progress agree bit by bit."""
    assert one.layers.keys() == other.layers.keys()
    for element, layers in one.layers.items():
        for pair, expected in zip(layers, other.layers[element], strict=True):
            for array, reference in zip(pair, expected, strict=True):
                np.testing.assert_array_equal(array, reference, strict=True)
    assert one.slots.keys() == other.slots.keys()
    for key, values in one.slots.items():
        np.testing.assert_array_equal(values, other.slots[key], strict=True)
    assert one.progress == other.progress


def stored_records(folder):
    """DescriptorRecords of a folder in the order of its files."""
    from annpot.data.tfrecord import read_records

    paths = sorted(Path(folder).glob("*.tfrecord"))
    return [record for path in paths for record in read_records(path)]


def prepared(path):
    """Run of an INI file, ready before its first step."""
    from annpot.config import load_train
    from annpot.training.setup import prepare

    return prepare(
        load_train(path), lambda *about: contextlib.nullcontext(lambda n: None)
    )


def run_steps(run, n_steps, first_step=0):
    """Do optimizer steps; return the trace (n_steps, len(TRACE))."""
    traces = [
        run.program.run(piece.tables, piece.chunk)
        for piece in run.feed.pieces([(first_step, n_steps)])
    ]
    run.parameters.write_back()
    return np.concatenate(traces)


def weights_of(run):
    """{element: [(kernel, bias), ...]} of a Run, copied."""
    return {
        element: [(layer.kernel.copy(), layer.bias.copy()) for layer in layers]
        for element, layers in run.potential.layers_of().items()
    }


def assert_close_weights(found, expected, atol):
    """All weights agree within an absolute tolerance."""
    for element, layers in expected.items():
        for pair, reference in zip(found[element], layers, strict=True):
            for values, wanted in zip(pair, reference, strict=True):
                np.testing.assert_allclose(values, wanted, rtol=0, atol=atol)


@dataclass(frozen=True)
class FinishedRun:
    """What a run left behind.

    Attributes:
        folder: its train_dir.
        shown: what it wrote to the screen.
    """

    folder: Path
    shown: str

    @property
    def state(self):
        """SavedState of its newest checkpoint."""
        return newest_state(self.folder)

    @property
    def metrics(self):
        """Text of its metrics.dat."""
        return (self.folder / "metrics.dat").read_text()

    def metrics_table(self):
        """{column: (n_epochs,) values} of its metrics.dat."""
        header, *lines = self.metrics.splitlines()
        rows = np.array([[float(word) for word in line.split()] for line in lines])
        return dict(zip(header.split(), rows.T, strict=True))


def finished(folder, data, **sections):
    """FinishedRun of `train_ini` with the same arguments."""
    folder.mkdir(exist_ok=True)
    shown = trained(train_ini(folder, data, **sections))
    return FinishedRun(folder / "run", shown)


def assert_same_run(one, other):
    """Two FinishedRuns agree bit by bit: state, metrics, what is kept of the data."""
    assert_same_state(one.state, other.state)
    kept = [domain_texts(read_domain(run.state.prefix)) for run in (one, other)]
    np.testing.assert_equal(*kept)
    assert one.metrics == other.metrics
