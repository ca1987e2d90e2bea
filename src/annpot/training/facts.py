"""What a run tells about itself: in each checkpoint, and beside the results."""

from pathlib import Path

import numpy as np

from annpot import __version__, files
from annpot.networks.element_network import keras, tf


def run_facts(config, plan, specs, data):
    """What each checkpoint says about its run, as JSON-able values."""
    step = plan.step
    seed = {("TRAINING_PARAMETERS", "seed"): plan.seed}
    return {
        "format_version": 1,
        "program": f"annpot {__version__}",
        "versions": {"tensorflow": tf.__version__, "keras": keras.__version__,
                     "numpy": np.__version__},
        "seed": plan.seed,
        "species": [spec.element for spec in specs],
        "networks": [
            {
                "element": spec.element,
                "n_features": spec.n_features,
                "sizes": [layer.size for layer in spec.layers],
                "activations": [layer.activation for layer in spec.layers],
                "trainable": [layer.trainable for layer in spec.layers],
                "offset": spec.offset,
            }
            for spec in specs
        ],
        "precision": step.precision,
        "energy_rescale": config.data.energy_rescale,
        "batch_size": step.batch_size,
        "capacities": list(step.capacities),
        "columns": [
            None if kept is None else [int(column) for column in kept]
            for kept in step.columns
        ],
        "xla": step.xla,
        "threads": tf.config.threading.get_intra_op_parallelism_threads(),
        "data": data,
        "ini": config.source.expanded_text(seed),
    }  # fmt: skip


def save_expanded_ini(config, plan):
    """Write the fully expanded INI file beside the results."""
    text = config.source.expanded_text({("TRAINING_PARAMETERS", "seed"): plan.seed})
    files.make_folder(config.io.train_dir)
    files.remove_leftovers(config.io.train_dir)
    files.write_text(Path(config.io.train_dir) / "train.expanded.ini", text)
