"""Iterations of L-BFGS as the steps of a run."""

import numpy as np

from annpot.networks.element_network import keras, tf
from annpot.training.forms.prediction import AtomicNetworks
from annpot.training.lbfgs.minimizer import Minimizer
from annpot.training.lbfgs.whole_data import WholeDataLoss
from annpot.training.schedules import LearningRate


class WeightMinimizer:
    """A Minimizer of variables, with the face of `annpot.training.optimizers`.

    It goes on in float64; the variables hold what is rounded to their precision, and
    of that the loss is taken.

    Args:
        settings: OptimizerSettings.
        trained: {ParameterKey: variable}.
    """

    family, rest_factor = "lbfgs", None

    def __init__(self, settings, trained):
        self.variables = list(trained.values())
        self.iterations = tf.Variable(0, dtype=tf.int64, name="iterations")
        self.first_steps = [0] * len(self.variables)
        self.slots = [{} for _ in self.variables]
        sizes = [int(np.prod(variable.shape)) for variable in self.variables]
        self._ends = np.cumsum(sizes)
        self.minimizer = Minimizer(
            sum(sizes), settings.lbfgs_memory, settings.lbfgs_line_search
        )

    def state(self):
        """{name: array} of what the next iteration depends on."""
        return self.minimizer.state()

    def set_state(self, stored):
        """Go on with what `state` gave."""
        self.minimizer.set_state(stored)

    def begin_at(self, step):
        """Count from a step on."""
        self.first_steps = [step] * len(self.variables)

    def iterate(self, loss):
        """One iteration; the record of the loss after it.

        Args:
            loss: WholeDataLoss.
        """
        if not self._is_where_it_was():
            self.minimizer.begin(
                np.concatenate([v.numpy().ravel() for v in self.variables])
            )

        def evaluate(x):
            self.assign(x)
            return loss()

        record = self.minimizer.iterate(evaluate)
        self.iterations.assign_add(1)
        return record

    def assign(self, x):
        """Give the variables the values x (n,)."""
        for variable, values in zip(self.variables, self._parts(x), strict=True):
            variable.assign(values.astype(variable.dtype))  # a copy: x changes

    def _is_where_it_was(self):
        """Whether the variables are those of its state, and not new ones."""
        return all(
            np.array_equal(variable.numpy(), values.astype(variable.dtype))
            for variable, values in zip(
                self.variables, self._parts(self.minimizer.x), strict=True
            )
        )

    def _parts(self, x):
        """x in the shapes of the variables."""
        parts = np.split(x, self._ends[:-1])
        return [
            part.reshape(variable.shape)
            for part, variable in zip(parts, self.variables, strict=True)
        ]


class LBFGSProgram:
    """Iterations over chunks of one step, which holds all data in one or more parts.

    Args:
        parameters, networks, settings, form: see StepProgram.
    """

    def __init__(self, parameters, networks, settings, form):
        self.settings, self.parameters, self.form = settings, parameters, form
        self.networks = AtomicNetworks(
            parameters.layers_of(parameters.variables),
            [network.activations for network in networks],
            settings.precision,
        )
        self.trained = parameters.trainable()
        self.optimizer = WeightMinimizer(settings.optimizer, self.trained)
        self.learning_rate = LearningRate(settings.learning_rate)
        variables = list(self.trained.values())
        self.loss = WholeDataLoss(self.networks, variables, settings, form)
        self._after_step = tf.function(parameters.after_step, autograph=False)

    @property
    def n_programs(self):
        """Number of programs compiled so far."""
        return self.loss.n_programs

    @property
    def ended(self):
        """Why there is nothing more to gain, or None."""
        return self.optimizer.minimizer.ended

    def run(self, tables, chunks):
        """One iteration over all data.

        Args:
            tables: tables of the form.
            chunks: tuple of the Chunk of each part, or the Chunk of the only one.

        Returns:
            (1, len(TRACE)) float64 record of the loss after the iteration.
        """
        is_one = hasattr(chunks, "targets")
        self.loss.take(tables, (chunks,) if is_one else chunks)
        record = self.optimizer.iterate(self.loss)
        self._after_step()
        return record[None, :]


class Converged(keras.callbacks.Callback):
    """Ends a run when L-BFGS finds nothing better.

    Args:
        program: LBFGSProgram.
    """

    def __init__(self, program):
        super().__init__()
        self.program = program

    def on_epoch_end(self, epoch, logs=None):
        """Look whether it has."""
        if self.program.ended is not None and not self.model.stop_training:
            self.model.stop_training = True
            self.model.stop_reason = f"L-BFGS: {self.program.ended}"
