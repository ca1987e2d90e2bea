"""Runs on one and on several logical CPUs, in a process of their own.

TensorFlow learns of logical devices before it starts and never again:

    PYTHONPATH=tests python tests/reference/replica_runs.py FOLDER N_DEVICES CASE ...

writes FOLDER/CASE_N.npz for the runs of each CASE on N devices: `trace`, weights by
name, and gradients of the first step. The case `resumed` instead trains as app_train
does on all devices, at once in FOLDER/whole and in two parts in FOLDER/resumed.
"""

import sys
from pathlib import Path

N_STEPS = 4
FORCE_KEYS = {"batch_size": 5, "virial_cost": 0.5, "wscale_l2": 0.01}
OTHER_LOSSES = {
    "batch_size": 5,
    "loss_function": "exp_quad",
    "energy_prefactor": 0.05,
    "forces_cost": 0.2,
    "floss_function": "exp_quad",
    "force_weights": "n_atoms",
    "force_reduction": "sum",
    "virial_cost": 0.1,
    "vloss_function": "quad_atom",
}
PENALTIES = {"wscale_l1": 0.01, "wscale_l2": 0.02, "bscale_l1": 0.03, "bscale_l2": 0.04}
SUM = {
    "loss_function": "exp_quad_atom",
    "energy_prefactor": 3.0,
    "energy_reduction": "sum",
    "learning_rate_constant": False,
    "learning_rate_decay_step": 2,
    "learning_rate_decay_factor": 0.5,
}
# Name: (form, [IO_INFORMATION], [TRAINING_PARAMETERS]).
CASES = {
    "rows": ("rows", {}, {"batch_size": 7, **PENALTIES}),
    "rows, XLA": ("rows", {"use_xla": True}, {"batch_size": 7, **SUM}),
    "rows, streamed": (
        "rows", {"use_xla": True, "dataset_cache": False}, {"batch_size": 7, **SUM}
    ),
    "stored": ("stored", {"use_xla": False}, FORCE_KEYS),
    "stored, XLA": ("stored", {"use_xla": True}, OTHER_LOSSES),
    "computed": ("computed", {"use_xla": False}, OTHER_LOSSES),
    "computed, XLA": ("computed", {"use_xla": True}, FORCE_KEYS),
}  # fmt: skip
FROZEN = {"H": {"trainable": "0:1"}}


def main(folder, n_devices, cases):
    """Do the runs of some cases; `folder` exists."""
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    logical = [tf.config.LogicalDeviceConfiguration()] * n_devices
    tf.config.set_logical_device_configuration(cpu, logical)
    from reference.small_structures import small_structures, with_gaps, write_xyz
    from reference.small_training import SmallData

    xyz = write_xyz(folder / "structures.xyz", with_gaps(small_structures(12)))
    data = SmallData.written(folder / "data")
    for case in cases:
        if case == "resumed":
            _train_and_resume(folder, data)
            continue
        form, io, training = CASES[case]
        training = {"precision": "float64", **training}
        for number in (1, n_devices):
            own = folder / f"{case}_{number}"
            own.mkdir()
            path = _ini(own, data, xyz, form, io, training)
            _save(own.with_suffix(".npz"), *_steps(path, number))


def _ini(folder, data, xyz, form, io, training):
    from reference.small_structures import force_ini
    from reference.small_training import train_ini

    if form == "rows":
        sections = {"IO_INFORMATION": io, "TRAINING_PARAMETERS": training}
        return train_ini(folder, data, **sections, **FROZEN)
    io = io | {"derivatives": form}
    return force_ini(folder, xyz, IO_INFORMATION=io, TRAINING_PARAMETERS=training)


def _steps(path, n_devices):
    """One step, then the others: trace, trace, Run and gradients of the first."""
    from annpot.training import setup
    from annpot.training.devices import Devices
    from reference.small_training import prepared, run_steps

    names = tuple(f"CPU:{number}" for number in range(n_devices))
    setup.take_devices = lambda config: Devices(names, (), "", True)
    run = prepared(path)
    trace = run_steps(run, 1)
    first = {
        f"gradient of {key}": slots["momentum"].numpy() / (1 - 0.9)
        for key, slots in zip(
            run.program.trained, run.program.optimizer.slots, strict=True
        )
    }
    return trace, run_steps(run, N_STEPS - 1, first_step=1), run, first


def _save(path, first_trace, trace, run, first):
    import numpy as np

    from reference.small_training import weights_of

    arrays = {
        f"{element} {layer} {kind}": values
        for element, layers in weights_of(run).items()
        for layer, pair in enumerate(layers)
        for kind, values in zip(("kernel", "bias"), pair, strict=True)
    }
    np.savez(path, trace=np.concatenate([first_trace, trace]), **arrays, **first)


def _train_and_resume(folder, data):
    """Three epochs at once, and two after one, on all devices as found."""
    from annpot.training import setup
    from annpot.training.devices import take_devices
    from reference.small_training import train_ini, trained

    setup.take_devices = take_devices
    for name, epochs in (("whole", (3,)), ("resumed", (1, 3))):
        (folder / name).mkdir()
        for max_epochs in epochs:
            keys = {"batch_size": 5, "max_epochs": max_epochs}
            path = train_ini(folder / name, data, TRAINING_PARAMETERS=keys)
            (folder / name / "shown.txt").write_text(trained(path))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
