"""Everything a run needs, made ready before its first step."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from annpot.data.data_set import DataSet, open_data_set
from annpot.data.pipeline import ReadingOptions
from annpot.data.record_index import index_records
from annpot.networks.builder import starting_networks
from annpot.networks.element_network import tf
from annpot.networks.potential import Potential
from annpot.training.data_checks import data_facts, descriptor_length
from annpot.training.facts import changes_since, run_facts
from annpot.training.feed import Feed, FeedSettings
from annpot.training.optimizers import slot_variables
from annpot.training.parameters import Parameters
from annpot.training.plan import Plan, make_plan
from annpot.training.record import FOLDER, Progress, Recorder
from annpot.training.restart import find_start, set_aside
from annpot.training.restore import restore, slot_facts, stored_columns
from annpot.training.step import StepProgram
from annpot.training.validation import Validator

MEGABYTE = 1e6
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
        feed: Feed of the training data.
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
    feed: Feed
    validator: Validator | None
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
    facts, notes = data_facts(config, n_features)
    data, validation = open_folders(config, n_features, announce)
    networks = starting_networks(config, n_features, seed, facts)
    specs = [network.spec for network in networks]
    stored = stored_columns(start.state, config.data.atomic_sequence, n_features)
    columns = columns_in_use(data, validation, stored)
    plan = make_plan(config, data, specs, seed, columns, start.progress)
    potential = Potential(specs, config.training.precision)
    potential.set_layers({n.spec.element: n.layers for n in networks})
    parameters = Parameters(potential, plan.step.columns)
    program = StepProgram(parameters, potential.networks, plan.step)
    if start.state is not None:
        notes += restore(start, potential, program)
        networks = [replace(n, sources=CHECKPOINT) for n in networks]
    parameters.read_in()
    notes += set_aside(config.io.train_dir, start.moved)
    facts = run_facts(config, plan, specs, facts)
    facts["slots_since"] = slot_facts(program)
    if start.state is not None:
        notes += changes_since(start.state.run, facts)
    rescale = config.data.energy_rescale
    targets = data.energies * rescale - offsets_of(data, specs)
    return Run(
        plan=plan,
        potential=potential,
        parameters=parameters,
        program=program,
        feed=Feed(data, targets, feed_settings(plan)),
        validator=validation
        and Validator(validation, validation.energies * rescale, plan.step),
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


def open_folders(config, n_features, announce):
    """DataSets of training and validation; None without validation."""
    n_species = len(config.data.atomic_sequence)
    io = config.io
    options = ReadingOptions(
        readers=io.num_parallel_readers,
        parsers=io.num_parallel_calls,
        prefetch=io.prefetch_buffer_size_multiplier,
    )
    budget = io.memory_budget_mb * MEGABYTE
    if isinstance(io.dataset_cache, bool):
        budget = np.inf if io.dataset_cache else -1
    opened = []
    for folder in (io.data_dir, config.validation.data_dir):
        if folder is None:
            opened.append(None)
            continue
        with announce(f"reading {folder}", len(index_records(folder))) as advance:
            opened.append(
                open_data_set(folder, n_features, n_species, options, budget, advance)
            )
    return opened


def columns_in_use(data: DataSet, validation, stored):
    """For each element the columns that are not zero in all data, None for all.

    `stored` marks columns whose weights an earlier part of the run moved.
    """
    used = data.used | stored
    if validation is not None:
        used |= validation.used
    # An element without atoms keeps one column, so that no array is empty.
    used[~used.any(axis=1), 0] = True
    return tuple(
        None if marks.all() else np.flatnonzero(marks).astype(np.int32)
        for marks in used
    )


def offsets_of(data, specs):
    """(n_records,) sum of the offsets of a record's atoms, eV, float64."""
    return data.element_counts @ np.array([spec.offset for spec in specs])


def feed_settings(plan):
    """The part of the plan that the feed needs."""
    return FeedSettings(
        order_seed=plan.order_seed,
        batch_size=plan.step.batch_size,
        chunk_size=plan.step.chunk_size,
        columns=plan.step.columns,
        capacities=plan.step.capacities,
    )
