"""Memory of the method, told before it starts."""

from dataclasses import dataclass

from annpot.training.gauss_newton.kernel import Extent, is_by_pairs
from annpot.training.gauss_newton.settings import rows_per_structure

# Arrays of the size of all pairs that live at the same time: the products of a layer
# and their sum over layers.
PAIR_ARRAYS = 3
FLOAT64_BYTES = 8


@dataclass(frozen=True)
class GaussNewtonMemory:
    """Bytes of a step beside those of the networks and the batch.

    Attributes:
        increments: of v, kept between steps, and of the next.
        slopes: inputs and slopes of all layers, and the rates of change of
            descriptors; of all elements.
        kernel: K and its factor.
        work: of the largest element: products of all pairs of atoms, or rows of J of
            one layer.
    """

    increments: int
    slopes: int
    kernel: int
    work: int

    @property
    def total(self):
        """Sum of all."""
        return self.increments + self.slopes + self.kernel + self.work


def gauss_newton_memory(settings, step, shapes, most_atoms):
    """GaussNewtonMemory of a run.

    Args:
        settings: GaussNewtonSettings.
        step: StepSettings.
        shapes: for each element the (n_in, n_out) of its layers, in the columns of the
            step.
        most_atoms: for each element the most atoms of a structure.
    """
    itemsize = 8 if step.precision == "float64" else 4
    n_rows = rows_per_structure(settings, step.force_loss.is_on)
    capacities = step.shapes[-1][: len(shapes)]
    slopes, work = 0, [0]
    for widths, n_atoms, most in zip(shapes, capacities, most_atoms, strict=True):
        slopes += itemsize * n_atoms * n_rows * sum(map(sum, widths))
        extent = Extent(n_atoms, most, step.batch_size, n_rows)
        if is_by_pairs(widths, extent):
            work.append(PAIR_ARRAYS * itemsize * (n_atoms * n_rows) ** 2)
        else:
            numbers = [
                extent.n_structures * n_rows * (n_in * n_out + most * (n_in + n_out))
                for n_in, n_out in widths
            ]
            work.append(itemsize * max(numbers))
    n_weights = sum((n_in + 1) * n_out for widths in shapes for n_in, n_out in widths)
    return GaussNewtonMemory(
        increments=2 * itemsize * n_weights,
        slopes=slopes,
        kernel=3 * FLOAT64_BYTES * (step.batch_size * n_rows) ** 2,
        work=max(work),
    )
