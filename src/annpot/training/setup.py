"""Everything a run needs, made ready before its first step."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from annpot.networks.builder import starting_networks
from annpot.networks.element_network import tf
from annpot.networks.potential import Potential
from annpot.training.data_checks import data_facts, descriptor_length
from annpot.training.facts import (
    changes_since,
    require_same_descriptors,
    run_facts,
)
from annpot.training.feed import Feed
from annpot.training.forms.force_feed import ForceFeed
from annpot.training.forms.force_validation import ForceValidator
from annpot.training.forms.rows_data import RowsData
from annpot.training.memory_estimate import memory_estimate
from annpot.training.open_data import open_all, structure_sources
from annpot.training.optimizers import slot_variables
from annpot.training.parameters import Parameters
from annpot.training.plan import Plan, columns_to_train, make_plan
from annpot.training.prepare_data import prepare_data
from annpot.training.record import FOLDER, Progress, Recorder
from annpot.training.restart import find_start, set_aside
from annpot.training.restore import restore, slot_facts, stored_columns
from annpot.training.step import StepProgram
from annpot.training.validation import Validator

SEED_LIMIT = 2**31
CHECKPOINT = ("checkpoint",)  # source of a layer's weights in a continued run


@dataclass(frozen=True)
class Run:
    """A run that is ready to start.

    Attributes:
        plan: Plan.
        potential: Potential.
        parameters: Parameters that the step trains.
        program: StepProgram.
        data: RowsData, StoredData or ComputedData of training.
        feed: Feed of the training data.
        n_validation: structures to validate on.
        memory: bytes that the run is going to need, estimated.
        validator: Validator, or None without validation data.
        recorder: Recorder.
        facts: what checkpoints say about the run.
        start: Progress at the start.
        networks: StartingNetwork of each element, for the summary.
        notes: what to tell the user before it starts.
    """

    plan: Plan
    potential: Potential
    parameters: Parameters
    program: StepProgram
    data: RowsData
    feed: Feed | ForceFeed
    n_validation: int
    memory: float
    validator: Validator | ForceValidator | None
    recorder: Recorder
    facts: dict
    start: Progress
    networks: tuple
    notes: tuple[str, ...]


def prepare(config, announce: Callable):
    """Run of a TrainConfig.

    Args:
        config: TrainConfig.
        announce: `announce(description, total)` gives a context whose value is called
            with the number of records read.

    Raises:
        InputError: anything about files, data or settings that does not fit.
    """
    start = find_start(config)
    seed = choose_seed(config, start)
    n_features = descriptor_length(config)
    tf.config.experimental.enable_op_determinism()
    sources = structure_sources(config)
    facts, notes = data_facts(config, n_features, sources)
    if start.state is not None:
        require_same_descriptors(start.state, facts)
    opened = open_all(config, n_features, sources, announce)
    networks = starting_networks(config, n_features, seed, facts)
    specs = [network.spec for network in networks]
    stored = stored_columns(start.state, config.data.atomic_sequence, n_features)
    columns = columns_to_train(
        columns_in_use([one.data for one in opened if one], stored),
        config.training,
        specs,
    )
    data, validation, told = prepare_data(config, opened, columns, specs, announce)
    notes += [note for one in opened if one for note in one.notes] + told
    plan = make_plan(config, data, specs, seed, columns, start.progress)
    potential = Potential(specs, config.training.precision)
    potential.set_layers({n.spec.element: n.layers for n in networks})
    parameters = Parameters(potential, plan.step.columns)
    form = data.step_form(plan.step)
    program = StepProgram(parameters, potential.networks, plan.step, form)
    if start.state is not None:
        notes += restore(start, potential, program)
        networks = [replace(n, sources=CHECKPOINT) for n in networks]
    parameters.read_in()
    notes += set_aside(config.io.train_dir, start.moved)
    facts = run_facts(config, plan, specs, facts)
    facts["slots_since"] = slot_facts(program)
    if start.state is not None:
        notes += changes_since(start.state.run, facts)
    return Run(
        plan=plan,
        potential=potential,
        parameters=parameters,
        program=program,
        data=data,
        feed=data.feed(plan),
        n_validation=0 if validation is None else len(validation),
        memory=memory_estimate(data, validation, plan, specs),
        validator=None if validation is None else validation.validator(plan.step),
        recorder=Recorder(
            Path(config.io.train_dir) / FOLDER,
            potential,
            parameters,
            slot_variables(program.optimizer, program.trained),
            config.io.max_ckpt_to_keep,
        ),
        facts=facts,
        start=start.progress,
        networks=tuple(networks),
        notes=(*config.source.notices, *start.notes, *notes),
    )


def choose_seed(config, start):
    """The INI file's seed, else the one of the checkpoint, else a new one."""
    if config.training.seed is not None:
        return config.training.seed
    if start.state is not None and start.state.run is not None:
        return start.state.run["seed"]
    return secrets.randbelow(SEED_LIMIT)


def columns_in_use(data_sets, stored):
    """For each element the columns that are not zero in all data, None for all.

    `stored` marks columns whose weights an earlier part of the run moved.
    """
    used = np.logical_or.reduce([stored, *(data.used for data in data_sets)])
    # An element without atoms keeps one column, so that no array is empty.
    used[~used.any(axis=1), 0] = True
    return tuple(
        None if marks.all() else np.flatnonzero(marks).astype(np.int32)
        for marks in used
    )
