"""How the ASE calculator behaves: properties, changes, extrapolation, wrong input."""

import copy
import logging
import pickle
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import ase.build
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import PropertyNotImplementedError
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write
from ase.outputs import Properties

import annpot
from annpot import AnnpotCalculator
from annpot.deploy.extrapolation import ExtrapolationError
from annpot.errors import InputError
from annpot.models.folder import write_model
from annpot.models.model import DescriptorRange
from reference.descriptor_cases import SKEWED
from reference.small_models import MODELS

MODEL = MODELS["mBP generation 3"]


@pytest.fixture
def water():
    atoms = ase.build.molecule("H2O")
    atoms.calc = AnnpotCalculator(MODEL)
    return atoms


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("model")
    write_model(path, MODEL)
    return path


def test_a_folder_is_a_model(folder, water):
    other = ase.build.molecule("H2O")
    other.calc = AnnpotCalculator(str(folder), threads=1)
    assert other.get_potential_energy() == water.get_potential_energy()
    np.testing.assert_array_equal(other.get_forces(), water.get_forces())


def test_properties(water):
    energy = water.get_potential_energy()
    assert water.get_potential_energy(force_consistent=True) == energy
    assert water.get_potential_energies().sum() == pytest.approx(energy, abs=1e-12)
    assert water.calc.n_outside == 0
    assert set(water.calc.results) < set(AnnpotCalculator.implemented_properties)
    with pytest.raises(PropertyNotImplementedError):
        water.get_stress()
    with pytest.raises(PropertyNotImplementedError):
        water.get_dipole_moment()
    water.set_cell(SKEWED)
    water.pbc = True, True, False
    with pytest.raises(PropertyNotImplementedError):
        water.get_stress()
    water.pbc = True
    assert water.get_stress().shape == (6,)
    # A cell of the other hand has the same stress.
    stress = water.get_stress()
    water.set_cell(water.cell[[1, 0, 2]])
    np.testing.assert_allclose(water.get_stress(), stress, atol=1e-12)


def test_only_what_changed_is_computed_again(water):
    compiled = water.calc._compiled
    calls, evaluate = [], compiled.evaluate
    compiled.evaluate = lambda *a: calls.append(1) or evaluate(*a)
    for _ in range(2):
        water.get_potential_energy()
        water.get_forces()
        water.set_velocities(np.ones((3, 3)))
        water.calc.get_property("energies", water)
        water.calc.calculate(water)
        assert water.calc.get_potential_energy() == water.get_potential_energy()
    assert len(calls) == 1
    water.positions[0, 0] += 0.1
    water.get_forces()
    water.numbers[0] = 6
    water.get_forces()
    assert len(calls) == 3
    assert water.calc.atoms == Atoms("CHH", water.positions)
    del water[0]
    assert len(water.get_forces()) == 2
    water.calc.reset()
    assert water.calc.atoms is None
    assert len(water.get_forces()) == 2
    assert len(calls) == 5


def test_results_are_copies_and_calculators_can_be_copied(water):
    forces = water.get_forces()
    water.get_forces()[:] = 7
    np.testing.assert_array_equal(water.get_forces(), forces)
    for calculator in (
        copy.deepcopy(water.calc),
        pickle.loads(pickle.dumps(water.calc)),
    ):
        water.calc = calculator
        water.rattle(0.1)
        assert np.abs(water.get_forces() - forces).max() > 0


def test_no_atoms_and_one_atom(water):
    nothing = Atoms(calculator=water.calc)
    assert nothing.get_potential_energy() == 0
    assert nothing.get_forces().shape == (0, 3)
    one = Atoms("O", calculator=water.calc)
    assert one.get_potential_energy() == one.get_potential_energies()[0]
    np.testing.assert_array_equal(one.get_forces(), np.zeros((1, 3)))
    box = Atoms("O", cell=[50, 50, 50], pbc=True, calculator=water.calc)
    assert box.get_potential_energy() == one.get_potential_energy()
    np.testing.assert_array_equal(box.get_stress(), np.zeros(6))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a.set_chemical_symbols("NHF"), "no network for F, N: expected"),
        (lambda a: a.positions.__setitem__(1, np.nan), "position of atom 2 (H) is not"),
        (lambda a: a.positions.__setitem__(1, a.positions[0]), "at the same place"),
        (lambda a: a.set_pbc(True), "no volume"),
    ],
)
def test_what_cannot_be_computed_is_told(water, change, words):
    energy, good = water.get_potential_energy(), water.copy()
    change(water)
    for _ in range(2):
        with pytest.raises(InputError) as told:
            water.get_forces()
        assert words in str(told.value)
    good.calc = water.calc
    assert good.get_potential_energy() == energy


def test_a_folder_that_is_no_model(folder, tmp_path):
    with pytest.raises(InputError, match=r"model\.json: no such file"):
        AnnpotCalculator(tmp_path)
    for name in ("model.json", "H_l0_w.npy"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(InputError, match=r"H_l0_b\.npy"):
        AnnpotCalculator(tmp_path)


@pytest.mark.parametrize(
    "argument",
    [
        {"threads": 0}, {"threads": -1}, {"threads": 1.5}, {"threads": "2"},
        {"skin": -0.1}, {"skin": float("nan")}, {"skin": "x"},
        {"stop_after": -1}, {"stop_after": "x"},
    ],
)  # fmt: skip
def test_arguments_that_cannot_be_are_refused(argument):
    ((name, value),) = argument.items()
    with pytest.raises(InputError) as told:
        AnnpotCalculator(MODEL, **argument)
    assert f"{name} = {value!r}: expected" in str(told.value)


def test_settings_cannot_be_changed_without_effect(water):
    water.calc.set()
    with pytest.raises(InputError, match="skin cannot be set"):
        water.calc.set(skin=2.0)


def narrow_model():
    """A model that saw water alone, and of it only hydrogen."""
    model = replace(MODEL, ranges={})
    atoms = ase.build.molecule("H2O")
    (g,) = annpot.deploy.extrapolation.descriptors([atoms], MODEL.settings)
    seen = DescriptorRange(g[1:].min(axis=0), g[1:].max(axis=0), 2)
    return replace(model, ranges={"H": seen})


def test_extrapolation_is_counted_and_told_once(caplog):
    water = ase.build.molecule("H2O")
    water.calc = AnnpotCalculator(narrow_model())
    with caplog.at_level(logging.WARNING):
        water.get_forces()
        assert water.calc.n_outside == 0
        assert water.calc.extrapolation() is None
        assert not caplog.records
        water.positions[2] += 0.3
        water.get_forces()
        assert water.calc.n_outside == 2
        water.positions[2] += 0.3
        water.get_forces()
    assert water.calc.n_extrapolations == 4
    (record,) = caplog.records
    assert "2 atoms outside the range of training" in record.getMessage()
    assert "atom 1 (H, from 0)" in record.getMessage()
    found = water.calc.extrapolation()
    assert (found.n_atoms, found.atom, found.element) == (2, 1, "H")
    assert found.name == MODEL.settings.feature_names()[found.component]
    assert not found.minimum <= found.value <= found.maximum
    assert str(found.component) in str(found)


def test_extrapolation_stops_after(caplog):
    water = ase.build.molecule("H2O")
    water.calc = AnnpotCalculator(narrow_model(), stop_after=4)
    for _ in range(2):  # 2 atoms each
        water.positions[2] += 0.3
        water.get_forces()
    water.positions[2] += 0.3
    with pytest.raises(ExtrapolationError, match="6, stop_after = 4"):
        water.get_forces()
    assert "energy" not in water.calc.results
    assert water.calc.n_outside is None


def test_results_go_through_the_files_and_calculators_of_ase(water, tmp_path):
    water.set_cell([9, 9, 9])
    water.pbc = True
    water.get_forces()
    kept = SinglePointCalculator(water, **water.calc.results)
    assert kept.results.keys() == water.calc.results.keys()
    assert set(Properties(water.calc.results)) >= set(water.calc.results)
    for name in ("water.traj", "water.extxyz", "water.db"):
        write(tmp_path / name, water)
        again = read(tmp_path / name)
        assert again.get_potential_energy() == pytest.approx(
            water.get_potential_energy(), abs=1e-7
        )
        np.testing.assert_allclose(again.get_stress(), water.get_stress(), atol=1e-7)


def test_golden_structures_agree(folder):
    for deviation in AnnpotCalculator(folder).check():
        assert deviation.agrees
        assert deviation.forces < 1e-12
    wrong = replace(MODEL.golden[0], forces=MODEL.golden[0].forces + 1e-8)
    (found,) = AnnpotCalculator(replace(MODEL, golden=(wrong,))).check()
    assert not found.agrees
    assert found.forces == pytest.approx(1e-8)
    with pytest.raises(InputError, match="no golden structures"):
        AnnpotCalculator(replace(MODEL, golden=())).check()


def test_neither_tensorflow_nor_the_package_is_slow_to_import(folder):
    code = (
        "import sys, annpot\n"
        "assert not {'numpy', 'ase', 'numba'} & set(sys.modules)\n"
        "import ase.build\n"
        f"calculator = annpot.AnnpotCalculator({str(folder)!r})\n"
        "atoms = ase.build.molecule('H2O')\n"
        "atoms.calc = calculator\n"
        "atoms.get_forces()\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = annpot.nothing


def test_the_page_about_it_runs(folder, tmp_path, monkeypatch):
    page = Path(__file__).parents[2] / "doc" / "ase_calculator.md"
    (tmp_path / "my_model").symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.+?)^```", page.read_text(), re.M | re.S)
    assert len(blocks) == 6
    exec("\n".join(blocks), {"__name__": "page"})
