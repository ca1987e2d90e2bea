"""Errors of the potential over a whole data set, the last partial batch included."""

from dataclasses import replace

import numpy as np

from annpot.data.atom_tables import atom_tables
from annpot.networks.element_network import tf
from annpot.training.error_sums import energy_sums
from annpot.training.losses import energy_loss, regularization
from annpot.training.metrics import measures

PARTS_TOGETHER = 5  # parts of a resident data set that are evaluated together


class Validator:
    """Evaluates a Potential on a data set.

    Attributes:
        labels: those of `annpot.training.metrics` that the data have.

    Args:
        data: DataSet.
        energies: (n_records,) reference energies, eV, float64 (rescaled).
        step: StepSettings of the run, for the loss.
    """

    labels = ("energy",)

    def __init__(self, data, energies, step):
        self.energies = energies
        self.step = step
        self._all_columns = (None,) * data.element_counts.shape[1]
        self._resident = None if data.resident is None else self._sorted(data.resident)
        self.data = replace(data, resident=None)  # the tables hold it all

    def errors(self, potential):
        """(n_records,) E_network - E_reference, eV, float64."""
        parts = [self._energies(potential, tables) for tables in self._tables()]
        return np.concatenate(parts) - self.energies

    def _tables(self):
        """AtomTables of the data set, one after the other."""
        if self._resident is not None:
            return self._resident
        return (
            atom_tables([part], self._all_columns) for part in self.data.stream.whole()
        )

    def _sorted(self, parts):
        return [
            atom_tables(parts[start : start + PARTS_TOGETHER], self._all_columns)
            for start in range(0, len(parts), PARTS_TOGETHER)
        ]

    def measures(self, potential, networks=None):
        """Averages over the data set: the names of `annpot.training.metrics`.

        A loss that is a sum over the batch is given for batch_size average
        structures, so that it compares with the training loss. Validation uses the
        whole networks of the Potential, not those of the step, which tell the penalty
        alone.

        Args:
            potential: Potential.
            networks: AtomicNetworks of the step; None: those of the Potential.
        """
        errors = self.errors(potential)
        n_atoms = self.data.n_atoms.astype(np.float64)
        loss = float(energy_loss(tf.constant(errors), n_atoms, self.step.loss))
        if self.step.loss.reduction == "sum":
            loss *= self.step.batch_size / len(errors)
        penalty = self._penalty(potential if networks is None else networks)
        references = self.energies - self._offsets(potential)
        values = {
            name: float(total)
            for name, total in energy_sums(errors, references, n_atoms).items()
        }
        total = self.step.loss.cost * loss + penalty
        values |= {"loss": total, "regularization": penalty}
        return measures(values | {"energy_loss": loss}, 1)

    def _penalty(self, networks):
        if hasattr(networks, "layers_of"):
            layers = [pair for one in networks.layers_of().values() for pair in one]
            layers = [(layer.kernel, layer.bias) for layer in layers]
        else:
            layers = [pair for one in networks.layers for pair in one]
        return float(regularization(layers, self.step.regularization))

    def _offsets(self, potential):
        """(n_records,) sums of the offsets of the atoms, eV."""
        return self.data.element_counts @ np.array(
            [network.spec.offset for network in potential.networks]
        )

    def _energies(self, potential, tables):
        n_structures = len(tables.energies)
        owners = [
            tf.constant(np.repeat(np.arange(n_structures), tables.counts[:, element]))
            for element in range(len(tables.g))
        ]
        descriptors = [
            tf.constant(g[:-1], potential.networks[i].compute_dtype)
            for i, g in enumerate(tables.g)
        ]
        return potential(descriptors, owners, n_structures=n_structures).numpy()
