"""Energy losses: names of the INI file to formulas.

d = E_network - E_reference of a structure (eV), n its number of atoms, p the
energy_prefactor.

    quad           d^2              quad_atom      (d/n)^2       quad_std_atom  d^2/n
    exp_quad       exp(p d^2)       exp_quad_atom  exp(p (d/n)^2)

times a weight 1, 1/n (n_atoms) or 1/n^2 (n_atoms2) of each structure, then the mean
or the sum over the structures of the batch.
"""

from annpot.tensorflow_import import import_tensorflow

tf = import_tensorflow()

ENERGY_LOSSES = {
    "quad": lambda d, n, p: d * d,
    "exp_quad": lambda d, n, p: tf.exp(p * d * d),
    "quad_atom": lambda d, n, p: (d / n) ** 2,
    "quad_std_atom": lambda d, n, p: d * d / n,
    "exp_quad_atom": lambda d, n, p: tf.exp(p * (d / n) ** 2),
}
WEIGHTS = {
    None: lambda n: 1.0,
    "n_atoms": lambda n: 1.0 / n,
    "n_atoms2": lambda n: 1.0 / n**2,
}
REDUCTIONS = {"mean": tf.reduce_mean, "sum": tf.reduce_sum}


def energy_loss(errors, n_atoms, settings):
    """Energy loss of a batch.

    Args:
        errors: (n_structures,) d, eV, float64.
        n_atoms: (n_structures,), float64.
        settings: LossSettings of the plan.

    Returns:
        scalar, float64; in the units of the chosen formula.
    """
    formula = ENERGY_LOSSES[settings.function]
    terms = formula(errors, n_atoms, settings.prefactor)
    weight = WEIGHTS[settings.weight](n_atoms)
    return REDUCTIONS[settings.reduction](terms * weight)


def regularization(layers, settings):
    """L1 and L2 penalties of all layers, frozen ones included.

    sum_layers l1 sum|W| + l2 sum W^2, and the same for the biases.

    Args:
        layers: (kernel, bias) of each layer.
        settings: RegularizationSettings of the plan.

    Returns:
        scalar, float64.
    """
    total = tf.zeros([], tf.float64)
    for index, l1, l2 in (
        (0, settings.kernel_l1, settings.kernel_l2),
        (1, settings.bias_l1, settings.bias_l2),
    ):
        for layer in layers if l1 or l2 else ():
            values = tf.cast(tf.convert_to_tensor(layer[index]), tf.float64)
            total += l1 * tf.reduce_sum(tf.abs(values))
            total += l2 * tf.reduce_sum(values * values)
    return total
