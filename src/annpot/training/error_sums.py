"""Sums of errors of a batch, from which `annpot.training.metrics` makes averages.

Each function gives {name of `annpot.training.trace`: scalar float64}. The sums of two
batches add up to those of both. Arguments are those of `annpot.training.losses`;
`references` are the labels, anything where there are none.
"""

from annpot.accuracy import FLOORS
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


def energy_sums(errors, references, n_atoms, present=None):
    """Number of energies, and sums of their errors and of themselves.

    Args:
        errors: (n_structures,), eV.
        references: (n_structures,) without offsets, eV.
        n_atoms: (n_structures,), float64.
        present: (n_structures,) which structures have an energy; None: all.
    """
    present = as_present(present, n_atoms)
    errors = where_present(errors, present)
    sizes = safe_sizes(n_atoms, present)
    per_atom = errors / sizes, where_present(references, present) / sizes
    return {
        "n_energies": _count(present),
        "sum_square": tf.reduce_sum(errors**2),
        **_sums("per_atom", *per_atom, FLOORS["energy"]),
    }


def force_sums(errors, references, owners, n_atoms, present=None):
    """Number of force components, and sums of their errors and of themselves.

    Args:
        errors: (n_rows, 3), eV/angstrom.
        references: (n_rows, 3), eV/angstrom.
        owners: (n_rows,) structure of each row; n_structures marks padding.
        n_atoms: (n_structures,), float64.
        present: (n_structures,) which structures have forces; None: all.
    """
    is_atom = has_forces(owners, as_present(present, n_atoms))
    components = [where_present(x, is_atom[:, None]) for x in (errors, references)]
    return {
        "n_force_components": 3.0 * _count(is_atom),
        **_sums("force", *components, FLOORS["force"]),
    }


def virial_sums(errors, references, n_atoms, n_periodic, present=None):
    """Number of virial components, and sums of errors and references per atom.

    Components are those of the 3 x 3 matrix on the span of the periodic directions:
    n_periodic^2 of a structure. The squares do not depend on the orientation of the
    cell; what is not squared does in slabs and wires that are not along the axes.

    Args:
        errors: (n_structures, 6), eV, projected.
        references: (n_structures, 6), eV, projected.
        n_atoms: (n_structures,), float64.
        n_periodic: (n_structures,) number of periodic directions, 0 to 3, float64.
        present: (n_structures,) which structures have a virial; None: all.
    """
    present = as_present(present, n_atoms) & (n_periodic > 0)
    sizes = safe_sizes(n_atoms, present)[:, None]
    per_atom = [
        where_present(x, present[:, None]) / sizes for x in (errors, references)
    ]
    times = tf.constant(MULTIPLICITY, tf.float64)
    return {
        "n_virial_components": tf.reduce_sum(where_present(n_periodic**2, present)),
        **_sums("virial", *per_atom, FLOORS["virial"], times),
    }


def trace_record(values):
    """(len(TRACE),) float64 of {name: scalar}; what is missing was not trained: 0."""
    zero = tf.zeros([], tf.float64)
    return tf.stack([values.get(name, zero) for name in TRACE])


def _sums(name, errors, references, floor, times=1.0):
    """Sums over components, 0 where there is no label; each counts `times`."""
    sizes = tf.abs(references)
    counts = tf.where(sizes >= floor, times * tf.ones_like(sizes), 0.0)
    relative = tf.abs(errors) / tf.maximum(sizes, floor)
    return {
        f"sum_abs_{name}": tf.reduce_sum(tf.abs(errors) * times),
        f"sum_square_{name}": tf.reduce_sum(errors**2 * times),
        f"sum_reference_{name}": tf.reduce_sum(references * times),
        f"sum_square_reference_{name}": tf.reduce_sum(references**2 * times),
        f"sum_relative_{name}": tf.reduce_sum(relative * counts),
        f"n_relative_{name}": tf.reduce_sum(counts),
    }


def _count(present):
    return tf.reduce_sum(tf.cast(present, tf.float64))
