"""Everything a run needs, made ready before its first step."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from annpot.networks.builder import starting_networks
from annpot.networks.potential import Potential
from annpot.networks.stored_domain import domain_texts
from annpot.training.averaging import average_slots, average_state, averaging_settings
from annpot.training.carried import carried_facts, known_offsets, networks_of
from annpot.training.columns import columns_in_use
from annpot.training.data_checks import data_facts, descriptor_length
from annpot.training.devices import take_devices
from annpot.training.division import (
    check_division,
    division_facts,
    division_texts,
    write_division,
)
from annpot.training.domain import training_domain
from annpot.training.early_stopping import stopping_settings
from annpot.training.energy_offsets import choose_offsets
from annpot.training.facts import require_same_descriptors, run_facts, run_text
from annpot.training.forms.prediction import AtomicNetworks
from annpot.training.forms.rows_data import RowsData
from annpot.training.gauss_newton.room import gauss_newton_bytes, require_formulas
from annpot.training.kalman.program import KalmanProgram
from annpot.training.kalman.room import filter_bytes, require_room
from annpot.training.keeps import keeps_of
from annpot.training.lbfgs.whole_data import WholeDataFeed
from annpot.training.low_precision import precision_notes
from annpot.training.memory_estimate import memory_estimate
from annpot.training.open_data import open_all, structure_sources
from annpot.training.optimizers import slot_variables
from annpot.training.origin import choose_seeds
from annpot.training.parameters import Parameters
from annpot.training.plan import Plan, columns_to_train, make_plan
from annpot.training.prepare_data import prepare_data
from annpot.training.programs import make_program
from annpot.training.record import Recorder
from annpot.training.replicas import ReplicaProgram
from annpot.training.restart import find_start, set_aside
from annpot.training.restore import (
    columns_before,
    optimizer_state,
    restore,
    slot_facts,
    stored_columns,
)
from annpot.training.run import Run
from annpot.training.same_run import compare_data, compare_settings, contents_hash
from annpot.training.saved_state import FOLDER
from annpot.training.snapshot import Snapshot
from annpot.training.standardization import (
    choose_scales,
    scale_texts,
    scaled_slots,
    without_unmatched_slots,
)
from annpot.training.step import StepProgram
from annpot.training.stored_weights import restore_weights

# Source of a layer's weights in a run that goes on, and in a stage.
CHECKPOINT, PARENT = ("checkpoint",), ("parent",)


@dataclass(frozen=True)
class _Inputs:
    """Data as they are on disk, opened.

    Attributes:
        n_features: descriptor length.
        facts: of the training data, for the checkpoints.
        opened: OpenedData of training and of validation, or None for the latter.
        hashes: {"training": sha256, "validation": sha256 or None} of their numbers.
        notes: what to tell about them.
    """

    n_features: int
    facts: dict | None
    opened: list
    hashes: dict
    notes: list


@dataclass(frozen=True)
class _Made:
    """What trains, made of the opened data.

    Attributes:
        plan: Plan.
        data, validation: RowsData, StoredData or ComputedData; the latter or None.
        potential: Potential.
        parameters: Parameters that the step trains.
        program: StepProgram, KalmanProgram or ReplicaProgram.
        networks: StartingNetwork of each element.
        notes: what to tell about them.
    """

    plan: Plan
    data: RowsData
    validation: RowsData | None
    potential: Potential
    parameters: Parameters
    program: StepProgram | KalmanProgram | ReplicaProgram
    networks: tuple
    notes: list

    @property
    def specs(self):
        """NetworkSpec of each element."""
        return [network.spec for network in self.networks]


def prepare(config, announce: Callable, origin=None):
    """Run of a TrainConfig.

    Args:
        config: TrainConfig.
        announce: `announce(description, total)` gives a context whose value is called
            with the number of records read.
        origin: StageOrigin where the run is a stage of a plan.

    Raises:
        InputError: anything about files, data or settings that does not fit.
    """
    start = find_start(config, origin)
    seeds = choose_seeds(config, start, origin)
    changes = compare_settings(config, start, run_text(config, seeds.weights))
    devices = take_devices(config)
    inputs = _open(config, start, announce)
    made = _make(config, start, seeds, devices, inputs, announce)
    notes = [*start.notes, *changes, *devices.notes(start.stored), *inputs.notes]
    notes += precision_notes(made.plan.step, devices)
    notes += [*made.notes, *set_aside(config.io.train_dir, start.moved)]
    write_division(config.io.train_dir, inputs.opened[0].division)
    data, validation, step = made.data, made.validation, made.plan.step
    return Run(
        plan=made.plan,
        potential=made.potential,
        parameters=made.parameters,
        program=made.program,
        data=data,
        feed=_feed(data, made.plan),
        n_validation=0 if validation is None else len(validation),
        memory=memory_estimate(data, validation, made.plan, made.specs)
        + filter_bytes(step, made.specs)
        + gauss_newton_bytes(step, made.specs),
        validator=None if validation is None else validation.validator(step),
        recorder=_recorder(config, inputs, made, start),
        seen=_seen(made.parameters, made.plan),
        facts=_facts(config, start, devices, inputs, made, origin),
        devices=devices,
        start=start.progress,
        stored=start.stored,
        history=start.history,
        networks=made.networks,
        notes=(*config.source.notices, *notes),
    )


def _open(config, start, announce):
    """_Inputs, refused where the run begins with weights for other descriptors."""
    n_features = descriptor_length(config)
    sources = structure_sources(config)
    facts, notes = data_facts(config, n_features, sources)
    if start.state is not None:
        require_same_descriptors(start.state, facts)
    opened = open_all(config, n_features, sources, announce)
    notes += [note for one in opened if one for note in one.notes]
    division = opened[0].division
    notes += check_division(config, start, division)
    facts = facts | {"division": division_facts(division)}
    hashes = dict(
        zip(("training", "validation"), map(contents_hash, opened), strict=True)
    )
    notes += compare_data(config, start, {"data": facts, "data_sha256": hashes})
    return _Inputs(n_features, facts, opened, hashes, notes)


def _columns(config, inputs, start, specs):
    """For each element the descriptor columns to train, or None for all."""
    state = start.state if start.keeps_slots else None
    stored = stored_columns(state, config.data.atomic_sequence, inputs.n_features)
    stored |= columns_before(start.stored, stored.shape, config.data.atomic_sequence)
    in_use = columns_in_use([one.data for one in inputs.opened if one], stored)
    return columns_to_train(in_use, config.training, specs)


def _make(config, start, seeds, devices, inputs, announce):
    """_Made of opened data, with the weights that the run starts with."""
    continued = networks_of(start.state)
    known = known_offsets(config, continued)
    offsets, notes = choose_offsets(config, inputs.opened[0], known)
    networks = starting_networks(
        config, inputs.n_features, seeds.weights, inputs.facts, continued, offsets
    )
    specs = [network.spec for network in networks]
    columns = _columns(config, inputs, start, specs)
    scales, scaled = choose_scales(config, inputs.opened[0], specs, start)
    start = without_unmatched_slots(start, specs, scales)
    earlier = (start.stored or {}).get("form")
    data, validation, told = prepare_data(
        config, inputs.opened, columns, specs, announce, earlier, scales
    )
    notes += [*scaled, *told]
    n_devices = len(devices.names)
    plan = make_plan(config, data, specs, seeds, columns, start.progress, n_devices)
    require_room(config, plan.step, specs)
    require_formulas(config, plan.step, specs)
    potential, parameters, program = _assemble(config, plan, data, networks, devices)
    if not program.trained:
        notes.append("No weight is trained: every layer is frozen (trainable).")
    fresh = [n.spec.element for n in networks if n.sources[0] == "new"]
    if start.state is not None:
        notes += restore(start, potential, program)
        source = PARENT if start.is_new else CHECKPOINT
        networks = [replace(network, sources=source) for network in networks]
        fresh = []
    parameters.read_in(fresh)
    restore_weights(None if start.stored is None else start.state, parameters)
    parameters.write_back()
    return _Made(
        plan,
        data,
        validation,
        potential,
        parameters,
        program,
        tuple(networks),
        notes,
    )


def _assemble(config, plan, data, networks, devices):
    """(Potential with first weights, Parameters, program) of a run."""
    with devices.scope():
        potential = Potential([n.spec for n in networks], config.training.precision)
        averaging = averaging_settings(config.training)
        parameters = Parameters(potential, plan.step.columns, data.scales, averaging)
    potential.set_layers({n.spec.element: n.layers for n in networks})
    form = data.step_form(plan.step)
    program = make_program(devices, parameters, potential.networks, plan.step, form)
    return potential, parameters, program


def _facts(config, start, devices, inputs, made, origin):
    """What checkpoints say about the run."""
    facts = run_facts(config, made.plan, made.specs, inputs.facts, origin, start.stored)
    facts |= {"slots_since": slot_facts(made.program), "devices": devices.facts()}
    return facts | {"data_sha256": inputs.hashes} | carried_facts(config, start)


def _seen(parameters, plan):
    """AtomicNetworks of the weights to validate."""
    activations = [network.activations for network in parameters.networks]
    layers = parameters.layers_of(parameters.seen)
    return AtomicNetworks(layers, activations, plan.step.precision)


def _feed(data, plan):
    feed = data.feed(plan)
    return WholeDataFeed(feed) if plan.step.optimizer.name == "lbfgs" else feed


def _recorder(config, inputs, made, start):
    parameters, program = made.parameters, made.program
    slots = slot_variables(program.optimizer, program.trained)
    slots |= scaled_slots(parameters) | average_slots(parameters)
    has_validation = made.validation is not None
    stopping = stopping_settings(config.training, has_validation)
    also = stopping.measure if stopping and stopping.restore_best else None
    texts = division_texts(inputs.opened[0].division)
    texts |= domain_texts(training_domain(inputs.opened, made.specs, start))
    return Recorder(
        Path(config.io.train_dir) / FOLDER,
        Snapshot(
            parameters,
            slots,
            lambda: optimizer_state(program) | average_state(parameters),
        ),
        keeps_of(config.io, has_validation, also),
        texts | scale_texts(made.specs, made.data.scales),
    )
