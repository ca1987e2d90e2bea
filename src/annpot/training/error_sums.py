"""Sums of errors of a batch, from which `annpot.training.metrics` makes averages.

Each function gives {name of `annpot.training.trace`: scalar float64}. The sums of two
batches add up to those of both. Arguments are those of `annpot.training.losses`.
"""

from annpot.tensorflow_import import import_tensorflow
from annpot.training.losses import (
    MULTIPLICITY,
    as_present,
    has_forces,
    safe_sizes,
    where_present,
)
from annpot.training.trace import TRACE

tf = import_tensorflow()


def energy_sums(errors, n_atoms, present=None):
    """Number of energies and sums of their errors (n_structures,), eV."""
    present = as_present(present, n_atoms)
    errors = where_present(errors, present)
    per_atom = errors / safe_sizes(n_atoms, present)
    return {
        "n_energies": _count(present),
        "sum_abs_per_atom": tf.reduce_sum(tf.abs(per_atom)),
        "sum_square_per_atom": tf.reduce_sum(per_atom**2),
        "sum_square": tf.reduce_sum(errors**2),
    }


def force_sums(errors, owners, n_atoms, present=None):
    """Number of force components and sums of their errors (n_rows, 3), eV/angstrom."""
    is_atom = has_forces(owners, as_present(present, n_atoms))
    errors = where_present(errors, is_atom[:, None])
    return {
        "n_force_components": 3.0 * _count(is_atom),
        "sum_abs_force": tf.reduce_sum(tf.abs(errors)),
        "sum_square_force": tf.reduce_sum(errors**2),
    }


def virial_sums(errors, n_atoms, n_periodic, present=None):
    """Number of virial components and sums of their errors per atom, eV.

    Components are those of the 3 x 3 matrix on the span of the periodic directions:
    n_periodic^2 of a structure. The squares do not depend on the orientation of the
    cell; absolute values of slabs and wires that are not along the axes do.

    Args:
        errors: (n_structures, 6), eV, projected.
        n_atoms: (n_structures,), float64.
        n_periodic: (n_structures,) number of periodic directions, 0 to 3, float64.
        present: (n_structures,) which structures have a virial; None: all.
    """
    present = as_present(present, n_atoms) & (n_periodic > 0)
    errors = where_present(errors, present[:, None])
    per_atom = errors / safe_sizes(n_atoms, present)[:, None]
    multiplicity = tf.constant(MULTIPLICITY, tf.float64)
    return {
        "n_virial_components": tf.reduce_sum(where_present(n_periodic**2, present)),
        "sum_abs_virial": tf.reduce_sum(tf.abs(per_atom) * multiplicity),
        "sum_square_virial": tf.reduce_sum(per_atom**2 * multiplicity),
    }


def trace_record(values):
    """(len(TRACE),) float64 of {name: scalar}; what is missing was not trained: 0."""
    zero = tf.zeros([], tf.float64)
    return tf.stack([values.get(name, zero) for name in TRACE])


def _count(present):
    return tf.reduce_sum(tf.cast(present, tf.float64))
