"""Stores the plan of a run when one of its stages really begins."""

from annpot.networks.element_network import keras
from annpot.stages.stored_plan import store_plan


class PlanKeeper(keras.callbacks.Callback):
    """Writes a plan into its train_dir before the first step of a stage.

    Not earlier, so that a command that is refused, or that finds another one at work,
    leaves the stored plan as it is.

    Args:
        plan: TrainPlan.
        seed: its seed.
    """

    def __init__(self, plan, seed):
        super().__init__()
        self.plan, self.seed = plan, seed

    def on_train_begin(self, logs=None):
        """Store the plan."""
        store_plan(self.plan, self.seed)
