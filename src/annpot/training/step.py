"""The compiled program: a stretch of optimizer steps from arrays and state to state."""

from annpot.training.chunk_program import ChunkProgram
from annpot.training.forms.prediction import AtomicNetworks
from annpot.training.gradient import loss_gradients
from annpot.training.loss_scale import LossScale
from annpot.training.optimizers import Optimizer
from annpot.training.per_step import PerStep
from annpot.training.schedules import LearningRate


class StepProgram:
    """Optimizer steps over chunks of batches.

    One program runs a whole chunk, with the number of steps as an input: how a run is
    cut into chunks changes no bit of its result. Chunks of other shapes (a batch that
    needs more room) get a program of their own over the same state.

    Args:
        parameters: Parameters to train.
        networks: the ElementNetworks, for their activations.
        settings: StepSettings.
        form: how energies and forces are had, see `annpot.training.forms.prediction`.

    Attributes:
        learning_rate: LearningRate; a callback may lower it between chunks.
    """

    def __init__(self, parameters, networks, settings, form):
        self.settings = settings
        self.parameters = parameters
        self.form = form
        self.networks = AtomicNetworks(
            parameters.layers_of(parameters.variables),
            [network.activations for network in networks],
            settings.precision,
            settings.mixed,
        )
        self.trained = parameters.trainable()
        scale = LossScale(settings.loss_scale) if settings.mixed == "float16" else None
        self.optimizer = Optimizer(
            settings.optimizer, settings.clipping, self.trained, scale
        )
        parameters.rest_factor = self.optimizer.rest_factor
        self.learning_rate = LearningRate(settings.learning_rate)
        self._per_step = PerStep(settings, self.learning_rate)
        size = settings.chunk_size
        self._program = ChunkProgram(form, size, self._step, settings.xla)

    @property
    def n_programs(self):
        """Number of programs compiled so far: one for each shape of a batch."""
        return self._program.n_programs

    def run(self, tables, chunk):
        """Run the batches of a Chunk over the tables of the form.

        Returns:
            (n_steps, len(TRACE)) float64 record of the steps.
        """
        n_steps = len(chunk.targets)
        numbers = self._per_step.of(int(self.optimizer.iterations.numpy()), n_steps)
        return self._program.run(tables, (chunk, numbers), n_steps)

    def _step(self, tables, batch, numbers):
        variables = list(self.trained.values())
        gradients, record = loss_gradients(
            self.networks,
            [variable.value for variable in variables],
            self.form,
            self.settings,
            tables,
            batch,
            costs=numbers.costs,
            scale=self.optimizer.loss_scale,
        )
        self.optimizer.update(gradients, numbers.rate)
        self.parameters.after_step()
        return record
