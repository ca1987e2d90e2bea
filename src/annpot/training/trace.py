"""What the compiled program records of every step: names and order.

d is network minus reference y, n the number of atoms of a structure; energies are
without offsets. Sums run over the labels that are really present: not over padding,
absent labels or directions that are not periodic. Sums of |d|/|y| leave out references
below `annpot.accuracy.FLOORS`; what is left is counted beside them.
"""

TRACE = (
    "loss",  # all that is minimized; first, so that its NaN is seen
    "energy_loss",
    "force_loss",  # without its cost
    "virial_loss",  # without its cost
    "regularization",
    "n_energies",
    "sum_abs_per_atom",  # sum |dE|/n, eV
    "sum_square_per_atom",  # sum (dE/n)^2, eV^2
    "sum_square",  # sum dE^2, eV^2
    "sum_reference_per_atom",  # sum E/n, eV
    "sum_square_reference_per_atom",  # sum (E/n)^2, eV^2
    "sum_relative_per_atom",  # sum |dE|/|E|
    "n_relative_per_atom",
    "n_force_components",  # three per atom
    "sum_abs_force",  # sum |dF|, eV/angstrom
    "sum_square_force",  # sum dF^2, eV^2/angstrom^2
    "sum_reference_force",  # sum F, eV/angstrom
    "sum_square_reference_force",  # sum F^2, eV^2/angstrom^2
    "sum_relative_force",  # sum |dF|/|F|
    "n_relative_force",
    "n_virial_components",  # of the 3 x 3 matrix: 9 in a crystal, 4 in a slab, 1
    "sum_abs_virial",  # sum |dW|/n over the 3 x 3 matrix, eV
    "sum_square_virial",  # sum (dW/n)^2 over the 3 x 3 matrix, eV^2
    "sum_reference_virial",  # sum W/n over the 3 x 3 matrix, eV
    "sum_square_reference_virial",  # sum (W/n)^2 over the 3 x 3 matrix, eV^2
    "sum_relative_virial",  # sum |dW|/|W| over the 3 x 3 matrix
    "n_relative_virial",
)


def by_name(record):
    """{name: value} of one record, or of sums of records, in the order of TRACE."""
    return dict(zip(TRACE, record, strict=True))
