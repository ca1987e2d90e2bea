"""Errors of energies, forces and virials over a whole data set."""

import numpy as np

from annpot.networks.element_network import tf
from annpot.training.batch import Chunk
from annpot.training.forms.prediction import Prediction
from annpot.training.losses import regularization
from annpot.training.metrics import measures
from annpot.training.objective import data_loss

# Loss of `annpot.training.trace` -> its settings in StepSettings.
TERMS = {
    "energy_loss": "loss",
    "force_loss": "force_loss",
    "virial_loss": "virial_loss",
}


class ForceValidator:
    """Evaluates the networks of a step on a data set, batch by batch.

    Args:
        data: StoredData or ComputedData.
        step: StepSettings of the run, for the losses.
    """

    def __init__(self, data, step):
        self.data, self.step = data, step
        self.labels = data.labels
        self._form = data.step_form(step)
        self._tables = tf.nest.map_structure(
            tf.constant, self._form.arrays(data.tables)
        )
        self._predict = None

    def measures(self, potential, networks):
        """Averages over the data set: the names of `annpot.training.metrics`.

        A loss that is a sum over the batch is given for batch_size average
        structures, so that it compares with the training loss.

        Args:
            potential: Potential; not needed.
            networks: AtomicNetworks of the step.
        """
        prediction = self.prediction(networks)
        _, values = data_loss(prediction, self._everything(), self.step)
        values = {name: float(value) for name, value in values.items()}
        layers = [pair for layers in networks.layers for pair in layers]
        penalty = float(regularization(layers, self.step.regularization))
        values |= {"loss": penalty, "regularization": penalty}
        for name in TERMS.keys() & values.keys():
            settings = getattr(self.step, TERMS[name])
            if settings.reduction == "sum":
                values[name] *= self.step.batch_size / len(self.data)
            values["loss"] += getattr(settings, "cost", 1.0) * values[name]
        return measures(values, 1)

    def prediction(self, networks):
        """Prediction of all structures; atoms in the order of the data."""
        targets = self.data.targets
        n_structures, n_atoms = len(self.data), len(targets.species)
        energies, forces = np.zeros(n_structures), np.zeros((n_atoms, 3))
        virials = np.zeros((n_structures, 6))
        for records in self._batches():
            shape = tuple(int(n) for n in self.data.counts[records].sum(axis=0))
            chunk = self.data.chunk(records[None], shape)
            batch = tf.nest.map_structure(
                lambda array: tf.constant(array[0]), chunk._replace(labels=())
            )
            found = self._compiled(networks, batch)(self._tables, batch)
            atoms = self._atoms_of(records, shape)
            energies[records] = found.energies.numpy()
            forces[atoms] = found.forces.numpy()
            if found.virials is not None:
                virials[records] = found.virials.numpy()
        return Prediction(
            tf.constant(energies),
            tf.constant(forces),
            tf.constant(virials) if self.data.with_virials else None,
        )

    def _compiled(self, networks, batch):
        """The form as one graph for batches of all sizes."""
        if self._predict is None:
            signature = tf.nest.map_structure(
                lambda x: tf.TensorSpec([None, *x.shape[1:]], x.dtype), batch
            )
            tables = tf.nest.map_structure(tf.TensorSpec.from_tensor, self._tables)
            self._predict = tf.function(
                lambda tables, batch: self._form(networks, tables, batch),
                input_signature=(tables, signature),
                autograph=False,
            )
        return self._predict

    def _batches(self):
        """Consecutive structures that are evaluated together."""
        together = np.cumsum(self.data.sizes) // max(self.data.most_together, 1)
        borders = np.flatnonzero(np.diff(together)) + 1
        return np.split(np.arange(len(self.data)), borders)

    def _atoms_of(self, records, shape):
        """Atom of the data set in each place of a batch without spare places."""
        capacities = shape[: self.data.n_species]
        _, atoms = self.data.targets.chunk(records[None], capacities)
        return atoms[0]

    def _everything(self):
        """All labels of the data set as one Chunk without its first axis."""
        targets = self.data.targets
        owners = np.repeat(np.arange(len(self.data)), targets.n_atoms)
        labels = targets.labels(np.arange(len(self.data)), np.arange(len(owners)))
        return tf.nest.map_structure(
            tf.constant,
            Chunk(
                rows=(),
                owners=(owners.astype(np.int32),),
                targets=np.nan_to_num(targets.energies, nan=0.0),
                n_atoms=targets.n_atoms.astype(np.float64),
                labels=labels,
            ),
        )
