"""Kalman training against energies, differences and matrices written out in NumPy."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from annpot.networks.architecture import LayerWeights
from annpot.training.kalman.components import force_components, n_components
from annpot.training.kalman.program import KalmanProgram
from annpot.training.kalman.settings import KalmanSettings
from annpot.training.order import batch_records
from annpot.training.trace import by_name
from reference import numpy_force_loss
from reference.numpy_kalman import NumpyKalman
from reference.numpy_training import atom_energy_and_gradient
from reference.small_structures import (
    force_ini,
    potential_of_run,
    small_structures,
    with_gaps,
    write_xyz,
)
from reference.small_training import (
    OFFSETS,
    SPECIES,
    prepared,
    stored_records,
    train_ini,
    weights_of,
)

BATCH = 4
NETWORKS = {
    "H": {"architecture": "6:4:1", "activations": "gaussian:tanh:linear"},
    "C": {"architecture": "5:1", "activations": "rbf:linear"},
    "O": {"architecture": "4:3:1", "activations": "tanh:gaussian:linear"},
    "N": {"architecture": "3:1", "activations": "tanh:gaussian"},
}
SETTINGS = KalmanSettings(epsilon=0.5, q0=1e-3, q_decay=0.3, energy_unit=0.2)
STANDARD = replace(SETTINGS, kind="standard", per_atom=False, eta_growth=0.4)


def kalman_program(run, settings):
    """KalmanProgram over the variables of a Run."""
    run.parameters.read_in()
    return KalmanProgram(
        run.parameters, run.potential.networks, run.plan.step,
        run.data.step_form(run.plan.step), settings,
    )  # fmt: skip


def updated(run, program, n_steps, first=0):
    """Trace of some updates; the weights are put back into the networks."""
    traces = [
        program.run(piece.tables, piece.chunk)
        for piece in run.feed.pieces([(first, n_steps)])
    ]
    run.parameters.write_back()
    return np.concatenate(traces)


def flat(weights, elements):
    """(n,) of {element: [(kernel, bias), ...]}."""
    arrays = [a for e in elements for pair in weights[e] for a in pair]
    return np.concatenate([np.ravel(a) for a in arrays])


def groups_of_weights(weights, elements, covariance):
    """Lists of the positions in `flat` that are kept together."""
    groups, position = {}, 0
    for element in elements:
        for layer, pair in enumerate(weights[element]):
            label = {"full": 0, "element": element, "layer": (element, layer)}
            for _ in range(sum(array.size for array in pair)):
                groups.setdefault(label[covariance], []).append(position)
                position += 1
    return list(groups.values())


class EnergyStreams:
    """Energies of records and their derivatives by all weights, one by one."""

    def __init__(self, run):
        self.start = {
            element: [tuple(np.array(a, float) for a in pair) for pair in layers]
            for element, layers in weights_of(run).items()
        }
        self.activations = {
            spec.element: [layer.activation for layer in spec.layers]
            for spec in run.potential.specs
        }

    def layers(self, vector):
        """{element: [(kernel, bias), ...]} of a vector."""
        found, first = {}, 0
        for element in SPECIES:
            found[element] = []
            for pair in self.start[element]:
                parts = []
                for array in pair:
                    part = vector[first : first + array.size]
                    parts.append(part.reshape(array.shape))
                    first += array.size
                found[element].append(tuple(parts))
        return found

    def column(self, vector, record, settings):
        """(dy/dw (n,), reference minus network) of a record."""
        layers = self.layers(vector)
        slopes = {e: [[0 * k, 0 * b] for k, b in layers[e]] for e in SPECIES}
        error = record.energy
        for s, x in zip(record.species, record.g, strict=True):
            element = SPECIES[s]
            energy, parts = atom_energy_and_gradient(
                x, layers[element], self.activations[element]
            )
            error -= energy + OFFSETS[s]
            for sums, part in zip(slopes[element], parts, strict=True):
                for kind in (0, 1):
                    sums[kind] = sums[kind] + part[kind]
        unit = settings.energy_unit * (record.n_atoms if settings.per_atom else 1)
        return flat(slopes, SPECIES) / unit, error / unit


@pytest.mark.parametrize("settings", [SETTINGS, STANDARD], ids=lambda s: s.kind)
@pytest.mark.parametrize("covariance", ["full", "element", "layer"])
def test_updates_on_energies_are_those_of_numpy(
    tmp_path, small_data, covariance, settings
):
    settings = replace(settings, covariance=covariance)
    training = {"TRAINING_PARAMETERS": {"precision": "float64"}}
    run = prepared(train_ini(tmp_path, small_data, **training, **NETWORKS))
    streams = EnergyStreams(run)
    groups = groups_of_weights(streams.start, SPECIES, covariance)
    vector = flat(streams.start, SPECIES)
    oracle = NumpyKalman(len(vector), groups, asdict(settings))
    records = stored_records(small_data.training)
    errors = []
    for batch in batch_records(5, len(records), BATCH, 0, 6):
        columns = [streams.column(vector, records[i], settings) for i in batch]
        h = np.stack([column for column, _ in columns], axis=1)
        xi = np.array([error for _, error in columns])
        errors.append(xi)
        vector = vector + oracle.update(h, xi)
    trace = updated(run, kalman_program(run, settings), 6)
    found = flat(weights_of(run), SPECIES)
    # Columns that are zero in all atoms of an element are left out of the filter.
    np.testing.assert_allclose(found, vector, rtol=0, atol=1e-9)
    if settings.per_atom:
        squares = [
            by_name(row)["sum_square_per_atom"] / settings.energy_unit**2
            for row in trace
        ]
        np.testing.assert_allclose(squares, [(e**2).sum() for e in errors], rtol=1e-8)


@pytest.fixture(scope="module")
def structures():
    return with_gaps(small_structures(6))


def force_run(folder, path, form):
    """Run in float64 with all structures in every batch, in the order of the file."""
    folder.mkdir(exist_ok=True)
    io = {"derivatives": form, "dataset_shuffle": False}
    training = {"batch_size": 6, "precision": "float64"}
    return prepared(
        force_ini(folder, path, IO_INFORMATION=io, TRAINING_PARAMETERS=training)
    )


@pytest.mark.parametrize("form", ["stored", "computed"])
def test_updates_on_forces_are_those_of_differences(tmp_path, structures, form):
    settings = replace(
        SETTINGS, covariance="element", per_atom=True, force_unit=0.7,
        n_force_components=9, seed=11,
    )  # fmt: skip
    run = force_run(tmp_path, write_xyz(tmp_path / "a.xyz", structures), form)
    assert run.plan.step.form == form
    elements = [spec.element for spec in run.potential.specs]
    program = kalman_program(run, settings)
    start = {e: [tuple(p) for p in pairs] for e, pairs in weights_of(run).items()}
    vector = flat(start, elements)
    groups = groups_of_weights(start, elements, "element")
    oracle = NumpyKalman(len(vector), groups, asdict(settings))
    (piece,) = run.feed.pieces([(0, 2)])
    chosen = force_components(piece.chunk, settings, 0)
    reference = StructureObservations(run, structures, piece.chunk, settings)
    for step in range(2):
        y, xi = reference.observed(vector, chosen.places[step])
        h = np.empty((len(vector), len(y)))
        for i in range(len(vector)):
            moved = [vector.copy(), vector.copy()]
            moved[0][i] += 1e-4
            moved[1][i] -= 1e-4
            up, down = (reference.observed(v, chosen.places[step])[0] for v in moved)
            h[i] = (up - down) / 2e-4
        vector = vector + oracle.update(h, xi)
    program.run(piece.tables, piece.chunk)
    run.parameters.write_back()
    # The error of the differences is 1e-8 of third derivatives of order 1 to 10.
    found = flat(weights_of(run), elements)
    np.testing.assert_allclose(found, vector, rtol=0, atol=2e-6)


class StructureObservations:
    """Energies and force components of structures, predicted by the NumPy potential."""

    def __init__(self, run, structures, chunk, settings):
        self.structures, self.settings = structures, settings
        self.potential = potential_of_run(run)
        self.elements = [spec.element for spec in run.potential.specs]
        owners = np.concatenate([part[0] for part in chunk.owners])
        counts = {}  # the atom of its structure that each place stands for
        places, first = [], 0
        for element, part in enumerate(chunk.owners):
            for place in range(part.shape[1]):
                owner = owners[first + place]
                if owner == len(structures):
                    places.append(None)
                    continue
                nth = counts.get((owner, element), 0)
                counts[owner, element] = nth + 1
                symbols = np.array(structures[owner].symbols)
                own = np.flatnonzero(symbols == self.elements[element])
                places.append((owner, own[nth]))
            first += part.shape[1]
        self.places = places

    def observed(self, vector, components):
        """(y, xi) in units of the settings."""
        weights, first = {}, 0
        for element in self.elements:
            weights[element] = []
            for layer in self.potential.weights[element]:
                parts = []
                for array in (layer.kernel, layer.bias):
                    part = vector[first : first + array.size]
                    parts.append(part.reshape(array.shape))
                    first += array.size
                weights[element].append(LayerWeights(*parts))
        potential = replace(
            self.potential, weights={e: tuple(w) for e, w in weights.items()}
        )
        y, xi = [], []
        results = list(numpy_force_loss.predictions(potential, self.structures))
        for s, one in zip(self.structures, results, strict=True):
            unit = self.settings.energy_unit * s.n_atoms
            known = s.energy is not None
            y.append(one.energies[0] / unit if known else 0.0)
            xi.append((s.energy - one.energies[0]) / unit if known else 0.0)
        for component in components:
            owner, atom = self.places[component // 3]
            force = results[owner].forces[atom, component % 3]
            wanted = self.structures[owner].forces[atom, component % 3]
            y.append(force / self.settings.force_unit)
            xi.append((wanted - force) / self.settings.force_unit)
        return np.array(y), np.array(xi)


def test_how_a_run_is_cut_changes_no_bit(tmp_path, structures):
    settings = replace(SETTINGS, n_force_components=5, seed=3)
    path = write_xyz(tmp_path / "a.xyz", structures)
    found = []
    for number, cut in enumerate([[(0, 7)], [(0, 2), (2, 4), (6, 1)]]):
        run = force_run(tmp_path / str(number), path, "stored")
        program = kalman_program(run, settings)
        trace = np.concatenate([updated(run, program, n, t) for t, n in cut])
        state = {k: v.numpy() for k, v in program.optimizer.state().items()}
        found.append((weights_of(run), state, trace))
    (weights, state, trace), (other_weights, other_state, other_trace) = found
    np.testing.assert_array_equal(trace, other_trace)
    for element, layers in weights.items():
        for pair, other in zip(layers, other_weights[element], strict=True):
            for array, reference in zip(pair, other, strict=True):
                np.testing.assert_array_equal(array, reference)
    assert state.keys() == other_state.keys()
    for name, array in state.items():
        np.testing.assert_array_equal(array, other_state[name])


def test_a_run_goes_on_from_its_stored_state_bit_by_bit(tmp_path, small_data):
    runs = []
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        run = prepared(train_ini(tmp_path / str(number), small_data))
        runs.append((run, kalman_program(run, SETTINGS)))
    (whole, first), (later, second) = runs
    updated(whole, first, 4)
    state = {name: v.numpy() for name, v in first.optimizer.state().items()}
    assert second.optimizer.set_state(state)
    second.optimizer.iterations.assign(4)
    for key, variable in second.trained.items():
        variable.assign(first.trained[key].numpy())
    one, other = updated(whole, first, 3, 4), updated(later, second, 3, 4)
    np.testing.assert_array_equal(one, other)


def test_components_are_a_function_of_seed_and_update(tmp_path, structures):
    settings = replace(SETTINGS, n_force_components=8, seed=21)
    run = force_run(tmp_path, write_xyz(tmp_path / "a.xyz", structures), "stored")
    (piece,) = run.feed.pieces([(0, 5)])
    whole = force_components(piece.chunk, settings, 40)
    assert whole.present.all()
    owners = np.concatenate(piece.chunk.owners, axis=1)
    has_forces = np.array([s.forces is not None for s in structures])
    for step in range(5):
        chosen = whole.places[step]
        assert len(set(chosen)) == 8  # drawn without replacement
        assert has_forces[owners[step, chosen // 3]].all()
    assert not np.array_equal(whole.places[0], whole.places[1])
    part = type(piece.chunk)(
        rows=piece.chunk.rows,
        owners=tuple(p[3:] for p in piece.chunk.owners),
        targets=piece.chunk.targets[3:],
        n_atoms=piece.chunk.n_atoms[3:],
        labels=type(piece.chunk.labels)(*(p[3:] for p in piece.chunk.labels)),
        geometry=(),
    )
    later = force_components(part, settings, 43)
    np.testing.assert_array_equal(later.places, whole.places[3:])
    other = force_components(piece.chunk, replace(settings, seed=22), 40)
    assert not np.array_equal(other.places, whole.places)
    # A batch with fewer components than asked for observes those it has.
    n_there = 3 * sum(s.n_atoms for s in structures if s.forces is not None)
    most = force_components(piece.chunk, replace(settings, n_force_components=999), 0)
    assert most.present.sum(axis=1).tolist() == [n_there] * 5


def test_a_fraction_of_the_components_of_a_mean_batch():
    assert n_components(0.1, 20, np.array([3, 4, 5])) == 24  # 0.1 * 3 * 20 * 4
    assert n_components(1e-9, 20, np.array([3, 4, 5])) == 1
    assert n_components(0.0, 20, np.array([3])) == 0
    assert n_components(0.5, 20, np.array([])) == 0


def test_frozen_layers_are_left_alone(tmp_path, small_data):
    default = {"architecture": "6:1", "trainable": "0:1"}
    run = prepared(train_ini(tmp_path, small_data, DEFAULT_NETWORK=default))
    before = weights_of(run)
    program = kalman_program(run, replace(SETTINGS, covariance="layer"))
    assert [g.name for g in program.optimizer.groups] == [f"{e}/1" for e in SPECIES]
    updated(run, program, 3)
    for element, layers in weights_of(run).items():
        np.testing.assert_array_equal(layers[0][0], before[element][0][0])
        assert not np.array_equal(layers[1][0], before[element][1][0])
