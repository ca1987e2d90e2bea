"""A run of training that is ready to start, and its checkpoints."""

from dataclasses import dataclass, field

from annpot.networks.potential import Potential
from annpot.training.clock import Clock
from annpot.training.devices import Devices
from annpot.training.feed import Feed
from annpot.training.forms.force_feed import ForceFeed
from annpot.training.forms.force_validation import ForceValidator
from annpot.training.forms.prediction import AtomicNetworks
from annpot.training.forms.rows_data import RowsData
from annpot.training.history import History
from annpot.training.kalman.program import KalmanProgram
from annpot.training.parameters import Parameters
from annpot.training.plan import Plan
from annpot.training.progress import Progress
from annpot.training.record import Recorder
from annpot.training.replicas import ReplicaProgram
from annpot.training.saved_state import load_state
from annpot.training.stateful import CallbackStates
from annpot.training.step import StepProgram
from annpot.training.stored_weights import put_weights
from annpot.training.validation import Validator


@dataclass(frozen=True)
class Run:
    """A run that is ready to start.

    Attributes:
        plan: Plan.
        potential: Potential.
        parameters: Parameters that the step trains.
        program: StepProgram; KalmanProgram with a filter, ReplicaProgram on several
            devices.
        data: RowsData, StoredData or ComputedData of training.
        feed: Feed of the training data.
        n_validation: structures to validate on.
        memory: bytes that the run is going to need, estimated.
        validator: Validator, or None without validation data.
        recorder: Recorder.
        seen: AtomicNetworks of the weights to validate: averages, if there are any.
        facts: what checkpoints say about the run.
        devices: Devices that it computes on.
        start: Progress at the start.
        stored: facts of an earlier part of the run, or None.
        networks: StartingNetwork of each element, for the summary.
        notes: what to tell the user before it starts.
        clock: Clock of what happens from here on.
        history: History of the epochs done.
        callback_states: CallbackStates of its callbacks.
    """

    plan: Plan
    potential: Potential
    parameters: Parameters
    program: StepProgram | KalmanProgram | ReplicaProgram
    data: RowsData
    feed: Feed | ForceFeed
    n_validation: int
    memory: float
    validator: Validator | ForceValidator | None
    recorder: Recorder
    seen: AtomicNetworks
    facts: dict
    devices: Devices
    start: Progress
    stored: dict | None
    networks: tuple
    notes: tuple[str, ...]
    clock: Clock = field(default_factory=Clock)
    history: History = field(default_factory=History)
    callback_states: CallbackStates = field(default_factory=CallbackStates)

    @property
    def ended(self):
        """Why a callback ended the run, or None."""
        return self.facts.get("ended")

    def save(self, progress, ended=None):
        """Write the checkpoint of this moment; return its prefix.

        Args:
            progress: Progress.
            ended: why the run ends here, or None.
        """
        with self.clock.part("checkpoint"):
            self.facts.update(ended=ended, memory=self.callback_states.all())
            return self.recorder.save(progress, self.facts, self.history)

    def go_back(self, name):
        """Take the weights of one of its checkpoints; whether it is there."""
        self.recorder.wait()
        prefix = self.recorder.folder / name
        if not prefix.with_name(f"{name}.index").exists():
            return False
        put_weights(load_state(prefix), self.potential, self.parameters)
        return True
