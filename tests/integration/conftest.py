"""Small runs on disk: checkpoints, data and INI files that belong together."""

import json

import numpy as np
import pytest

from annpot.data.records import DescriptorRecord
from annpot.data.tfrecord import encode_record, write_tfrecord
from annpot.networks.architecture import LayerSpec, LayerWeights, NetworkSpec
from annpot.networks.stored_domain import StoredDomain, domain_texts

N_FEATURES = 6
TRAIN_INI = """\
[IO_INFORMATION]
data_dir = data
train_dir = run

[DATA_INFORMATION]
atomic_sequence = H, O
output_offset = -13.62, -2041.84

[DEFAULT_NETWORK]
g_size = 6
architecture = 4:1
activations = 1:0

[O]
architecture = 3:2:1
activations = tanh:relu:linear

[TRAINING_PARAMETERS]
batch_size = 2
learning_rate = 0.01
steps_per_epoch = 10
max_epochs = 1
"""
SPECS = (
    NetworkSpec("H", N_FEATURES, (LayerSpec(4, 1), LayerSpec(1, 0)), -13.62),
    NetworkSpec(
        "O", N_FEATURES, (LayerSpec(3, 4), LayerSpec(2, 3), LayerSpec(1, 0)), -2041.84
    ),
)


class SmallRun:
    """A folder with train.ini, data/ and run/_models/, as a finished run leaves them.

    Attributes:
        folder: the folder; the working directory of the test.
        models: its run/_models.
        records: DescriptorRecords of data/, in order.
    """

    specs = SPECS

    def __init__(self, folder):
        self.folder = folder
        self.models = folder / "run" / "_models"
        self.models.mkdir(parents=True)
        (folder / "train.ini").write_text(TRAIN_INI)
        (folder / "data").mkdir()
        self.records = _records()
        for number, part in enumerate((self.records[:3], self.records[3:]), start=1):
            path = folder / "data" / f"train-{number}-2.tfrecord"
            write_tfrecord(path, map(encode_record, part))

    def weights(self, seed):
        """{element: (LayerWeights, ...)} of one checkpoint, float32."""
        rng = np.random.default_rng(seed)
        return {
            spec.element: tuple(
                LayerWeights(
                    rng.normal(size=shape).astype(np.float32),
                    rng.normal(size=shape[1]).astype(np.float32),
                )
                for shape in spec.shapes
            )
            for spec in self.specs
        }

    def facts(self, **changes):
        """What a checkpoint says about its run."""
        networks = [
            {
                "element": spec.element,
                "n_features": spec.n_features,
                "sizes": [layer.size for layer in spec.layers],
                "activations": [layer.activation for layer in spec.layers],
                "offset": spec.offset,
            }
            for spec in self.specs
        ]
        facts = {"format_version": 1, "networks": networks, "energy_rescale": 1.0}
        return facts | {"data": None} | changes

    def checkpoint(self, epoch, step, weights=None, facts=None, domain=None):
        """Write epoch_{e}_step_{s}; without facts, as PANNA does.

        The default weights are those of seed `step`. `domain` is a StoredDomain.
        """
        from annpot.tensorflow_import import import_tensorflow

        tf = import_tensorflow()
        weights = self.weights(step) if weights is None else weights
        networks = {
            element: {
                "_layers": [
                    {"kernel": tf.Variable(w.kernel), "bias": tf.Variable(w.bias)}
                    for w in layers
                ]
            }
            for element, layers in weights.items()
        }
        extra = {} if facts is None else {"_run": tf.Variable(json.dumps(facts))}
        for key, value in domain_texts(domain or StoredDomain()).items():
            *folders, last = f"_{key}".split("/")
            place = extra
            for one in folders:
                place = place.setdefault(one, {})
            place[last] = tf.Variable(value)
        name = f"epoch_{epoch}_step_{step}"
        tf.train.Checkpoint(_networks=networks, **extra).write(str(self.models / name))
        (self.models / "checkpoint").write_text(f'model_checkpoint_path: "{name}"\n')

    def write_ini(self, name, io, options=""):
        """Write an INI file of app_evaluate or app_extract_weights; return its path."""
        text = f"[IO_INFORMATION]\n{io}\n"
        if options:
            text += f"[VALIDATION_OPTIONS]\n{options}\n"
        (self.folder / name).write_text(text)
        return name


def _records():
    """Five structures of H and O with random descriptors."""
    rng = np.random.default_rng(1)
    return [
        DescriptorRecord(
            name=f"structure_{i}",
            species=np.array(species, np.int64),
            g=rng.random((len(species), N_FEATURES)).astype(np.float32),
            energy=float(rng.normal(-2069.0, 1.0)),
        )
        for i, species in enumerate(
            ([0, 0, 1], [1, 0, 0], [0, 0], [1, 1, 0, 0], [0, 1, 0])
        )
    ]


@pytest.fixture
def small_run(tmp_path, monkeypatch):
    """SmallRun in the working directory, without checkpoints yet."""
    monkeypatch.chdir(tmp_path)
    return SmallRun(tmp_path)
