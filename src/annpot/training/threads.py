"""How many threads one operation of TensorFlow gets."""

SMALL_BATCH = 2.0e5  # structures per step times descriptors per atom
FEW, MANY = 2, 8


def number_of_threads(config, n_features):
    """Threads of the INI file, or a number that fits the size of a step.

    The order in which sums are taken, and with it the last bits of a result, follows
    the number of threads: it depends on settings and data only, never on the machine,
    and is stored in each checkpoint. Small steps do not gain from more than two.

    TensorFlow takes one number for a whole process. Stages of a plan may run in one
    process or each in its own, so that all must ask with the configuration that they
    have in common.

    Args:
        config: TrainConfig; of a plan its base.
        n_features: descriptor length of the data.
    """
    if config.io.threads:
        return config.io.threads
    is_small = config.training.batch_size * n_features < SMALL_BATCH
    return FEW if is_small else MANY
