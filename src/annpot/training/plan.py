"""The plan of a run: every setting as a number, decided before the first step."""

import math
from dataclasses import dataclass

from annpot.errors import InputError
from annpot.training.batch import SIGMAS, SIGMAS_OF_FORCES, batch_shapes
from annpot.training.columns import shapes_in_step
from annpot.training.gauss_newton.choice import gauss_newton_settings
from annpot.training.kalman.choice import kalman_settings
from annpot.training.loss_costs import costs_end
from annpot.training.loss_settings import (
    energy_loss_settings,
    force_loss_settings,
    virial_loss_settings,
)
from annpot.training.optimizer_settings import (
    clipping_settings,
    learning_rate_settings,
    optimizer_settings,
)
from annpot.training.step_settings import RegularizationSettings, StepSettings

RBF = 2  # number of the activation exp(-|x - w|^2)
LARGEST_CHUNK = 250  # steps per call of the compiled program
FLOAT32_BYTES = 4
CHUNK_BYTES = 32e6  # of what is made or read for the steps of one call
# Above this many multiply-adds per step in the first layers, the graph's matrix
# products beat XLA's and hide its overhead (benchmarks/energy_step.py).
XLA_LIMIT = 2.0e8


@dataclass(frozen=True)
class Segment:
    """Steps between two moments at which something happens beside training.

    Attributes:
        first_step: steps done before it.
        n_steps: its number of steps.
        starts_epoch: whether an epoch, or the run, starts with it.
        ends_epoch: whether an epoch, or the run, ends with it.
        completes_epoch: whether that epoch has all its steps; a run that is extended
            later goes on inside an epoch that has not.
        saves: whether a checkpoint follows.
    """

    first_step: int
    n_steps: int
    starts_epoch: bool
    ends_epoch: bool
    completes_epoch: bool
    saves: bool

    @property
    def end(self):
        """Steps done after it."""
        return self.first_step + self.n_steps


@dataclass(frozen=True)
class Plan:
    """One run of training.

    Attributes:
        seed: seed of the first weights.
        order_seed: seed of the order of records; None keeps the order of the files.
        steps_per_epoch: optimizer steps of a full epoch.
        total_steps: optimizer steps of the whole run, earlier parts of it included.
        n_epochs: epochs of the whole run; the last may be shorter.
        save_every: steps between checkpoints; None saves at the end of epochs only.
        step: StepSettings.
    """

    seed: int
    order_seed: int | None
    steps_per_epoch: int
    total_steps: int
    n_epochs: int
    save_every: int | None
    step: StepSettings

    def segments(self, progress):
        """Segments from a Progress to the end of the run.

        They end where an epoch ends or a checkpoint is due.
        """
        step, in_epoch = progress.step, progress.steps_in_epoch
        starts_epoch = True
        while step < self.total_steps:
            left = max(self.steps_per_epoch - in_epoch, 1)
            full_end = step + left
            epoch_end = min(full_end, self.total_steps)
            end = epoch_end
            if self.save_every:
                end = min(end, (step // self.save_every + 1) * self.save_every)
            ends_epoch = end == epoch_end
            is_due = end % self.save_every == 0 if self.save_every else ends_epoch
            yield Segment(
                first_step=step,
                n_steps=end - step,
                starts_epoch=starts_epoch,
                ends_epoch=ends_epoch,
                completes_epoch=end == full_end,
                saves=is_due or end == self.total_steps,
            )
            in_epoch = 0 if ends_epoch else in_epoch + end - step
            step, starts_epoch = end, ends_epoch


def make_plan(config, data, specs, seeds, columns, start, n_devices=1):
    """Plan of a run from its INI file and its data.

    Args:
        config: TrainConfig.
        data: RowsData, StoredData or ComputedData, for what a batch needs room for.
        specs: NetworkSpec of each element.
        seeds: Seeds of the run.
        columns: for each element the descriptor columns in use, or None for all.
        start: Progress that the run starts from.
        n_devices: devices that a batch is shared out to.

    Raises:
        InputError: L-BFGS over data that are not in memory.
    """
    training = config.training
    is_whole = training.optimizer == "lbfgs"  # a step is all data
    if is_whole and not data.is_resident:
        raise _too_large(config)
    batch_size = len(data) if is_whole else training.batch_size
    n_in_turn = -(-batch_size // training.batch_size)
    n_parts = n_in_turn * n_devices
    steps_per_epoch, total_steps, n_epochs = run_length(training, start)
    save_every = config.io.save_checkpoint_steps
    boundary = min(steps_per_epoch, save_every or steps_per_epoch)
    shapes = batch_shapes(
        data.counts,
        -(-batch_size // n_parts),
        data.sizes,
        SIGMAS if data.form == "rows" else SIGMAS_OF_FORCES,
    )
    usual = shapes[-1] if len(shapes) == 1 else shapes[-2]
    is_small = is_small_step(specs, columns, usual[: len(specs)])
    n_bytes = data.bytes_per_step(shapes[-1])
    step = StepSettings(
        batch_size=batch_size,
        chunk_size=1 if is_whole else _chunk_size(n_parts * n_bytes, boundary),
        columns=columns,
        n_devices=n_devices,
        shapes=shapes,
        form=data.form,
        precision=training.precision,
        xla=use_xla(config.io.use_xla, data.form != "rows" or is_small),
        loss=energy_loss_settings(training),
        force_loss=force_loss_settings(training),
        virial_loss=virial_loss_settings(training),
        regularization=regularization_settings(training),
        learning_rate=learning_rate_settings(training, steps_per_epoch, total_steps),
        optimizer=optimizer_settings(training),
        clipping=clipping_settings(training),
        costs_end=costs_end(training),
        n_steps=total_steps,
        kalman=kalman_settings(training, data, seeds.order),
        gauss_newton=gauss_newton_settings(config, seeds.order, specs, data.counts),
        mixed=training.mixed_precision,
        loss_scale=training.loss_scale,
        n_in_turn=n_in_turn,
    )
    return Plan(
        seed=seeds.weights,
        order_seed=seeds.order if config.io.dataset_shuffle else None,
        steps_per_epoch=steps_per_epoch,
        total_steps=total_steps,
        n_epochs=n_epochs,
        save_every=save_every,
        step=step,
    )


def _too_large(config):
    where = config.source.where("TRAINING_PARAMETERS", "optimizer")
    return InputError(
        f"{where}: optimizer = lbfgs needs all data in memory, and they exceed "
        f"memory_budget_mb = {config.io.memory_budget_mb:g}. Raise it, or choose "
        "another optimizer."
    )


def regularization_settings(training):
    """RegularizationSettings of the [TRAINING_PARAMETERS] section."""
    return RegularizationSettings(
        training.wscale_l1, training.wscale_l2, training.bscale_l1, training.bscale_l2
    )


def columns_to_train(columns, training, specs):
    """Columns that the step computes with: those in use, or None for all.

    A zero column still counts where its weights shrink or are compared with it.

    Args:
        columns: for each element the columns that are not zero, or None for all.
        training: the [TRAINING_PARAMETERS] section.
        specs: NetworkSpec of each element.
    """
    shrinks = regularization_settings(training).is_on
    return tuple(
        None if shrinks or spec.layers[0].activation == RBF else kept
        for spec, kept in zip(specs, columns, strict=True)
    )


def run_length(training, start):
    """(steps_per_epoch, total_steps, n_epochs) of the [TRAINING_PARAMETERS] section.

    `max_epochs` is absolute: epochs done before `start` count, whatever number of
    steps they had. `max_steps` is exact; without `steps_per_epoch` it is cut into ten
    epochs.
    """
    if training.max_steps is not None:
        per_epoch = training.steps_per_epoch or max(1, training.max_steps // 10)
        left = max(training.max_steps - start.step + start.steps_in_epoch, 0)
        return per_epoch, training.max_steps, start.epoch - (-left // per_epoch)
    per_epoch = training.steps_per_epoch
    left = (training.max_epochs - start.epoch) * per_epoch - start.steps_in_epoch
    return per_epoch, start.step + max(left, 0), training.max_epochs


def use_xla(choice, gains):
    """Whether XLA compiles the step: the INI file's choice, else whether it gains.

    Forces always gain; for energies see `is_small_step`.
    """
    return choice if isinstance(choice, bool) else gains


def is_small_step(specs, columns, capacities):
    """Whether the first layers need at most `XLA_LIMIT` multiply-adds a step.

    Small steps gain from fused launches, large ones from the graph's matrix products.
    """
    work = sum(
        capacity * math.prod(shapes_in_step(spec, kept)[0])
        for spec, kept, capacity in zip(specs, columns, capacities, strict=True)
    )
    return work <= XLA_LIMIT


def _chunk_size(bytes_per_step, boundary):
    """Most steps per call of the program: no more than happen without a stop.

    Args:
        bytes_per_step: of what is made or read anew for each step.
        boundary: steps after which something else happens.
    """
    most = min(LARGEST_CHUNK, boundary)
    return min(most, max(1, int(CHUNK_BYTES / max(bytes_per_step, 1))))
