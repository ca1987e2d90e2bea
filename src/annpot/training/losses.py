"""Losses of a batch: names of the INI file to formulas.

n is the number of atoms of a structure; d = network - reference of its energy E (eV),
of the forces on its atoms F (eV/angstrom), of its virial W (eV); p the
energy_prefactor. Energies:

    quad           d^2              quad_atom      (d/n)^2       quad_std_atom  d^2/n
    exp_quad       exp(p d^2)       exp_quad_atom  exp(p (d/n)^2)

Forces, S = sum of d^2 over the 3 n components:

    quad           S                quad_atom      S/n           quad_percomp   S/(3n)
    exp_quad       sum of exp(d^2) over the 3 n components

Virials, S = sum of d^2 over the 3 x 3 matrix, so xx, yy, zz once and yz, xz, xy twice;
W grows with n as E does, hence

    quad           S                quad_atom      S/n^2         quad_std_atom  S/n
    quad_percomp   S/(9 n^2)

times a weight of each structure: 1, 1/n (n_atoms), 1/n^2 (n_atoms2), of forces also
1/(3n) (3n_atoms) and 1/(3n)^2 (3n_atoms2). Then the sum over the structures of the
batch that have the label, or its mean: over them, not over those without; 0 where none
has it. Padding and absent labels, NaN included, change neither a loss nor a gradient.
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
FORCE_LOSSES = {  # of d^2 of a component; of their sum over a structure
    "quad": (lambda d2: d2, lambda total, n: total),
    "exp_quad": (tf.exp, lambda total, n: total),
    "quad_atom": (lambda d2: d2, lambda total, n: total / n),
    "quad_percomp": (lambda d2: d2, lambda total, n: total / (3.0 * n)),
}
VIRIAL_LOSSES = {
    "quad": lambda total, n: total,
    "quad_atom": lambda total, n: total / n**2,
    "quad_std_atom": lambda total, n: total / n,
    "quad_percomp": lambda total, n: total / (9.0 * n**2),
}
WEIGHTS = {
    None: lambda n: 1.0,
    "n_atoms": lambda n: 1.0 / n,
    "n_atoms2": lambda n: 1.0 / n**2,
}
FORCE_WEIGHTS = WEIGHTS | {
    "3n_atoms": lambda n: 1.0 / (3.0 * n),
    "3n_atoms2": lambda n: 1.0 / (3.0 * n) ** 2,
}
REDUCTIONS = {
    "mean": lambda terms, n_present: tf.reduce_sum(terms) / tf.maximum(n_present, 1.0),
    "sum": lambda terms, n_present: tf.reduce_sum(terms),
}
# How often xx, yy, zz, yz, xz, xy stand in the 3 x 3 matrix.
MULTIPLICITY = (1.0, 1.0, 1.0, 2.0, 2.0, 2.0)


def energy_loss(errors, n_atoms, settings, present=None, n_present=None):
    """Energy loss of a batch.

    Args:
        errors: (n_structures,) d, eV, float64; anything where not present.
        n_atoms: (n_structures,), float64.
        settings: LossSettings.
        present: (n_structures,) which structures have an energy, boolean or 0 and 1;
            None: all.
        n_present: by how many structures a mean divides, where these are a part of a
            batch only; None: those that are present.

    Returns:
        scalar, float64; in the units of the chosen formula.
    """
    present = as_present(present, n_atoms)
    n_atoms = safe_sizes(n_atoms, present)
    errors = where_present(errors, present)
    terms = ENERGY_LOSSES[settings.function](errors, n_atoms, settings.prefactor)
    terms *= WEIGHTS[settings.weight](n_atoms)
    return _joined(terms, present, settings, n_present)


def force_loss(errors, owners, n_atoms, present, settings, n_present=None):
    """Force loss of a batch, without its cost.

    Args:
        errors: (n_rows, 3) d, eV/angstrom, float64; anything in rows of padding and
            of structures without forces.
        owners: (n_rows,) structure of each row; n_structures marks padding.
        n_atoms: (n_structures,), float64.
        present: (n_structures,) which structures have forces; None: all.
        settings: ForceLossSettings.
        n_present: see `energy_loss`.

    Returns:
        scalar, float64; in the units of the chosen formula.
    """
    present = as_present(present, n_atoms)
    n_atoms = safe_sizes(n_atoms, present)
    of_component, of_structure = FORCE_LOSSES[settings.function]
    errors = where_present(errors, has_forces(owners, present)[:, None])
    n_structures = tf.shape(present)[0]
    totals = tf.math.unsorted_segment_sum(
        tf.reduce_sum(of_component(errors * errors), 1), owners, n_structures + 1
    )[:n_structures]
    terms = of_structure(totals, n_atoms) * FORCE_WEIGHTS[settings.weight](n_atoms)
    return _joined(terms, present, settings, n_present)


def virial_loss(errors, n_atoms, present, settings, n_present=None):
    """Virial loss of a batch, without its cost.

    Args:
        errors: (n_structures, 6) d, eV, float64, order xx, yy, zz, yz, xz, xy, already
            projected on the periodic directions; anything where not present.
        n_atoms: (n_structures,), float64.
        present: (n_structures,) which structures have a virial and a periodic
            direction; None: all.
        settings: VirialLossSettings.
        n_present: see `energy_loss`.

    Returns:
        scalar, float64; in the units of the chosen formula.
    """
    present = as_present(present, n_atoms)
    n_atoms = safe_sizes(n_atoms, present)
    errors = where_present(errors, present[:, None])
    totals = tf.reduce_sum(errors * errors * tf.constant(MULTIPLICITY, tf.float64), 1)
    terms = VIRIAL_LOSSES[settings.function](totals, n_atoms)
    terms *= WEIGHTS[settings.weight](n_atoms)
    return _joined(terms, present, settings, n_present)


def as_present(present, n_atoms):
    """(n_structures,) boolean; all True where present is None."""
    if present is None:
        return tf.ones(tf.shape(n_atoms)[0], tf.bool)
    return tf.cast(present, tf.bool)


def has_forces(owners, present):
    """(n_rows,) boolean: rows that are atoms of structures with forces."""
    return tf.gather(tf.concat([present, [False]], 0), owners)


def where_present(errors, present):
    """Errors with 0 where there is no label; no NaN passes, nor in gradients."""
    return tf.where(present, errors, tf.zeros([], tf.float64))


def safe_sizes(n_atoms, present):
    """(n_structures,) numbers of atoms, 1 where there is no label.

    A slot that holds no structure has no atoms; nothing may be divided by them.
    """
    return tf.where(present, n_atoms, tf.ones([], tf.float64))


def _joined(terms, present, settings, n_present):
    # Masked again: an exponential of no error is 1.
    if n_present is None:
        n_present = tf.reduce_sum(tf.cast(present, tf.float64))
    return REDUCTIONS[settings.reduction](where_present(terms, present), n_present)


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
