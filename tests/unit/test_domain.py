"""What checkpoints keep of the training data: ranges and golden structures."""

import contextlib
from types import SimpleNamespace

import numpy as np
import pytest

from annpot.config import load_train
from annpot.descriptors.calculator import descriptors
from annpot.networks.bundle_writer import write_bundle
from annpot.networks.stored_domain import (
    VALUE,
    StoredDomain,
    StoredRange,
    domain_texts,
    read_domain,
)
from annpot.training.domain import training_domain
from annpot.training.open_data import open_all, structure_sources
from annpot.training.restart import Start
from reference.small_structures import (
    force_ini,
    settings,
    small_structures,
    with_gaps,
    write_xyz,
)
from reference.small_training import N_FEATURES, SPECIES, stored_records, train_ini


def announce(*about):
    return contextlib.nullcontext(lambda n: None)


def domain_of(path, start=None, n_features=N_FEATURES):
    """(StoredDomain, OpenedData of training and validation) of an INI file."""
    config = load_train(path)
    opened = open_all(config, n_features, structure_sources(config), announce)
    specs = [SimpleNamespace(element=e) for e in config.data.atomic_sequence]
    return training_domain(opened, specs, start or Start()), opened


def assert_ranges(ranges, species, symbols, g):
    """Ranges are those of atoms (n_atoms,) with descriptors (n_atoms, n_features)."""
    assert set(ranges) == {species[i] for i in set(symbols)}
    for index in set(symbols):
        own = g[symbols == index].astype(float)
        found = ranges[species[index]]
        np.testing.assert_array_equal(found.minimum, own.min(axis=0), strict=True)
        np.testing.assert_array_equal(found.maximum, own.max(axis=0), strict=True)
        assert found.n_atoms == len(own)


def golden_of(records):
    """[(role, name)] of the energies per atom of records or structures."""
    order = sorted(records, key=lambda record: record.energy / record.n_atoms)
    chosen = order[0], order[(len(order) - 1) // 2], order[-1]
    roles = "lowest", "median", "highest"
    return [(role, one.name) for role, one in zip(roles, chosen, strict=True)]


def named(domain):
    return [(one["role"], one["name"]) for one in domain.golden]


def assert_of_records(domain, small_data):
    training = stored_records(small_data.training)
    species = np.concatenate([record.species for record in training])
    g = np.concatenate([record.g for record in training])
    assert_ranges(domain.ranges, SPECIES, species, g)
    validation = stored_records(small_data.validation)
    assert named(domain) == golden_of(validation)
    energies = {record.name: record.energy for record in validation}
    for one in domain.golden:
        assert one.keys() == {"role", "name", "energy"}
        assert one["energy"] == energies[one["name"]]


@pytest.mark.parametrize("cache", [True, False])
def test_of_descriptors_in_memory_and_streamed(tmp_path, small_data, cache):
    path = train_ini(tmp_path, small_data, IO_INFORMATION={"dataset_cache": cache})
    domain, opened = domain_of(path)
    assert (opened[0].data.resident is not None) == cache
    assert_of_records(domain, small_data)


def test_every_checkpoint_holds_them(finished_run, small_data):
    assert_of_records(read_domain(finished_run.state.prefix), small_data)


def test_of_a_divided_folder_only_the_training_part_counts(tmp_path, small_data):
    parts = {"validation_split": 0.2, "test_split": 0.2}
    path = train_ini(
        tmp_path, small_data, DATA_INFORMATION=parts, VALIDATION_OPTIONS=None
    )
    domain, opened = domain_of(path)
    records = stored_records(small_data.training)
    division = opened[0].division
    trained = [r for r, k in zip(records, division.of("train"), strict=True) if k]
    species = np.concatenate([record.species for record in trained])
    assert_ranges(
        domain.ranges, SPECIES, species, np.concatenate([r.g for r in trained])
    )
    kept = division.of("validation")
    validation = [r for r, k in zip(records, kept, strict=True) if k]
    assert named(domain) == golden_of(validation)


def structures_ini(folder, training, validation, **sections):
    files = [
        None if s is None else write_xyz(folder / f"{name}.xyz", s)
        for name, s in (("train", training), ("validate", validation))
    ]
    return force_ini(folder, *files, **sections)


@pytest.mark.parametrize("cost", [{}, {"forces_cost": None, "virial_cost": None}])
def test_of_structures_with_geometry_and_labels(tmp_path, cost):
    training, validation = small_structures(9, seed=1), small_structures(7, seed=2)
    keys = {"precision": "float64"} | cost
    path = structures_ini(tmp_path, training, validation, TRAINING_PARAMETERS=keys)
    domain, _ = domain_of(path, n_features=settings().n_features)
    species = settings().species
    symbols = [species.index(symbol) for s in training for symbol in s.symbols]
    g = np.concatenate(descriptors(training, settings()))
    assert_ranges(domain.ranges, species, np.array(symbols), g)
    assert [role for role, _ in named(domain)] == ["lowest", "median", "highest"]
    of_name = {structure.name: structure for structure in validation}
    assert named(domain) == golden_of(validation)
    for one in domain.golden:
        expected = of_name[one["name"]]
        assert tuple(one["symbols"]) == tuple(expected.symbols)
        assert one["pbc"] == expected.pbc.tolist()
        assert one["energy"] == expected.energy
        np.testing.assert_array_equal(one["positions"], expected.positions)
        np.testing.assert_array_equal(one["forces"], expected.forces)
        if expected.pbc.any():
            np.testing.assert_allclose(one["cell"], expected.cell, rtol=1e-15)
            np.testing.assert_allclose(one["virial"], expected.virial, rtol=1e-12)


@pytest.mark.parametrize("n", [1, 2])
def test_of_few_structures_there_are_few(tmp_path, n):
    path = structures_ini(tmp_path, small_structures(n, seed=3), None)
    domain, _ = domain_of(path, n_features=settings().n_features)
    assert [role for role, _ in named(domain)] == ["lowest", "highest"][:n]


def test_structures_without_labels_are_taken_by_place_and_say_so(tmp_path):
    structures = with_gaps(small_structures(14, seed=1))
    with_energy = [s for s in structures if s.energy is not None]
    path = structures_ini(tmp_path, small_structures(4), structures)
    domain, _ = domain_of(path, n_features=settings().n_features)
    assert named(domain) == golden_of(with_energy)
    without = [s for s in structures if s.energy is None and s.forces is not None]
    path = structures_ini(tmp_path, small_structures(4), without)
    domain, _ = domain_of(path, n_features=settings().n_features)
    assert {one["energy"] for one in domain.golden} == {None}
    expected = without[0], without[(len(without) - 1) // 2], without[-1]
    roles = "first", "middle", "last"
    assert named(domain) == [
        (role, one.name) for role, one in zip(roles, expected, strict=True)
    ]


def test_ranges_of_a_parent_are_joined_and_stay_when_repeated(tmp_path, small_data):
    wider = np.full(N_FEATURES, 7.0)
    parent = StoredDomain({"H": StoredRange(wider - 8, wider, 5)})
    path = train_ini(tmp_path, small_data)
    own = domain_of(path)[0].ranges
    for number in range(2):
        prefix = tmp_path / f"parent_{number}"
        texts = domain_texts(parent)
        write_bundle(prefix, {f"_{name}{VALUE}": text for name, text in texts.items()})
        start = Start(state=SimpleNamespace(prefix=prefix))
        parent, _ = domain_of(path, start)
        found = parent.ranges
        np.testing.assert_array_equal(found["H"].maximum, wider)
        np.testing.assert_array_equal(found["H"].minimum, wider - 8)
        assert found["H"].n_atoms == own["H"].n_atoms
        np.testing.assert_array_equal(found["C"].maximum, own["C"].maximum)
