"""What a run tells about itself: in each checkpoint, and beside the results."""

from pathlib import Path

from annpot import files
from annpot.errors import InputError
from annpot.networks.checkpoint_reader import FORMAT_VERSION
from annpot.networks.element_network import tf
from annpot.training.optimizers import FAMILY
from annpot.training.progress import length_facts
from annpot.training.same_run import program_facts


def run_facts(config, plan, specs, data, origin=None, stored=None):
    """What each checkpoint says about its run, as JSON-able values.

    Args:
        config: TrainConfig.
        plan: Plan.
        specs: NetworkSpec of each element.
        data: facts of the training data.
        origin: StageOrigin; None without stages.
        stored: facts in the run's own newest checkpoint, or None.
    """
    step = plan.step
    return {
        "format_version": FORMAT_VERSION,
        **program_facts(),
        "seed": plan.seed,
        "order_seed": plan.order_seed,
        "run_length": length_facts(config.training),
        "stage": origin and origin.facts((stored or {}).get("stage")),
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
        "optimizer": FAMILY.get(step.optimizer.name, step.optimizer.name),
        "energy_rescale": config.data.energy_rescale,
        "batch_size": step.batch_size,
        "form": step.form,
        "shapes": [list(shape) for shape in step.shapes],
        "columns": [
            None if kept is None else [int(column) for column in kept]
            for kept in step.columns
        ],
        "xla": step.xla,
        "threads": tf.config.threading.get_intra_op_parallelism_threads(),
        "data": data,
        "ini": run_text(config, plan.seed),
    }


def run_text(config, seed):
    """INI text of a run for its checkpoints, the seed filled in.

    Args:
        config: TrainConfig.
        seed: seed of the first weights.
    """
    return config.source.model_text({("TRAINING_PARAMETERS", "seed"): seed})


def require_same_descriptors(state, facts):
    """Refuse to go on from a checkpoint that saw other descriptors.

    Args:
        state: SavedState.
        facts: facts of the training data of this run, or None.

    Raises:
        InputError: both say how their descriptors were made, and not alike.
    """
    stored = ((state.run or {}).get("data") or {}).get("descriptor")
    now = (facts or {}).get("descriptor")
    if stored is None or now is None or stored == now:
        return
    differing = sorted(k for k in {*stored, *now} if stored.get(k) != now.get(k))
    raise InputError(
        f"{state.prefix}: was trained on descriptors with other settings "
        f"({', '.join(differing)} differ). Restore the settings of the descriptors "
        "(gvect_ini, or the data), or set restart_mode = force_default to start anew."
    )


def save_expanded_ini(config, plan):
    """Write the fully expanded INI file beside the results."""
    text = config.source.expanded_text({("TRAINING_PARAMETERS", "seed"): plan.seed})
    files.make_folder(config.io.train_dir)
    files.remove_leftovers(config.io.train_dir)
    files.write_text(Path(config.io.train_dir) / "train.expanded.ini", text)
