"""A portable model in Debian's LAMMPS: numbers of OpenKIM's driver."""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.lammps import Prism
from ase.io import write

from annpot.deploy.openkim import DRIVER, kim_files, model_name
from annpot.deploy.panna.plugin import read_plugin
from annpot.errors import InputError
from annpot.forces.prediction import StructurePotential
from reference.descriptor_cases import SPECIES, settings_of
from reference.small_potentials import (
    STRUCTURES,
    WIDE_MBP,
    potential_of,
    predicted,
    tensor,
)

INSTALL = "kim-api-collections-management"
LAMMPS = Path("/usr/bin/lmp")  # that of Debian knows KIM
PROGRAMS = (INSTALL, "cmake", "g++", str(LAMMPS))
OFFSETS = (-13.587223, -1029.511138, -2042.009502)
INPUT = """\
kim init {name} metal
atom_style atomic
box tilt large
read_data data
kim interactions {species}
thermo_style custom pe pxx pyy pzz pyz pxz pxy vol
thermo_modify format float %.17g
dump forces all custom 1 forces fx fy fz
dump_modify forces sort id format float %.17g
run 0
"""
BAR = 1 / 1.6021765e6  # eV/angstrom^3, with the constant of LAMMPS


def potential():
    """StructurePotential that the driver computes, with offsets of real atoms."""
    made = potential_of(
        settings_of(SPECIES, WIDE_MBP, generation=2), activations=(1, 3, 0)
    )
    specs = tuple(map(lambda s, e: replace(s, offset=e), made.specs, OFFSETS))
    return replace(made, specs=specs)


def test_a_model_has_the_name_of_its_folder_and_its_parameters_in_order():
    made = potential()
    name, files, _ = kim_files(made.settings, made.specs, made.weights, 2)
    assert name == "annpot_HCO__MO_000000000000_000"
    assert list(files)[:2] == ["CMakeLists.txt", "panna.in"]
    text = files["CMakeLists.txt"].decode()
    assert f"project({name})" in text
    assert f'DRIVER_NAME "{DRIVER}"' in text
    parameters = '"panna.in" "weights_H.dat" "weights_C.dat" "weights_O.dat"'
    assert f"PARAMETER_FILES {parameters}" in text


def test_names_of_models():
    number = "Wet_C__MO_123456789012_003"
    assert model_name(number, ("C",)) == number
    assert model_name("Wet_C", ("C",)) == "Wet_C__MO_000000000000_000"
    for wrong in ("2wet", "wet-c", "wet__c", "wet_", "wet__MO_12_000", "a b", ""):
        with pytest.raises(InputError, match="expected a letter, then letters"):
            model_name(wrong, ("C",))


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """(folder, name of a model installed in it, its environment)."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        pytest.skip(f"OpenKIM of Debian is not installed: no {', '.join(missing)}")
    listed = subprocess.run([INSTALL, "list"], capture_output=True, text=True)
    if DRIVER not in listed.stdout:
        pytest.skip("OpenKIM's driver (Debian: openkim-models) is not installed")
    folder, made = tmp_path_factory.mktemp("kim"), potential()
    name, files, losses = kim_files(made.settings, made.specs, made.weights, 2)
    (folder / name).mkdir()
    for file, content in files.items():
        (folder / name / file).write_bytes(content)
    (folder / "installed").mkdir()
    environment = os.environ | {"KIM_API_PORTABLE_MODELS_DIR": f"{folder}/installed"}
    subprocess.run(
        [INSTALL, "install", "environment", f"./{name}"],
        cwd=folder, env=environment, capture_output=True, check=True,
    )  # fmt: skip
    return folder, name, environment, losses


@pytest.mark.parametrize("case", ["molecule", "crystal", "small cell"])
def test_the_driver_gives_the_same_energy_forces_and_stress(installed, case):
    """The same to rounding with the biases in the files, else within the told loss."""
    folder, name, environment, losses = installed
    structure = STRUCTURES[case]
    atoms = Atoms(structure.symbols, structure.positions)
    if structure.pbc.any():
        atoms.set_cell(structure.cell)
    else:
        atoms.center(vacuum=10)
    atoms.pbc = True
    write(folder / "data", atoms, "lammps-data", specorder=list(SPECIES), masses=True)
    text = INPUT.format(name=name, species=" ".join(SPECIES))
    (folder / "input").write_text(text)
    subprocess.run(
        [LAMMPS, "-in", "input", "-screen", "none", "-log", "log"],
        cwd=folder, env=environment, check=True,
    )  # fmt: skip
    log = (folder / "log").read_text().splitlines()
    row = next(n for n, line in enumerate(log) if line.split()[:1] == ["PotEng"])
    energy, *pressure, volume = map(float, log[row + 1].split())
    rotation = Prism(atoms.cell.array)
    forces = np.loadtxt(folder / "forces", skiprows=9)

    stored = read_plugin(folder / name)
    stored = StructurePotential(stored.settings, stored.specs, stored.weights)
    found = predicted(stored, structure)
    # Energies of up to 1e4 eV in float64; forces without any offset.
    assert energy == pytest.approx(found.energies[0], rel=1e-15, abs=1e-10)
    np.testing.assert_allclose(rotation.vector_to_ase(forces), found.forces, atol=1e-12)
    virial = rotation.tensor2_to_ase(tensor(np.array(pressure) * volume * BAR))
    np.testing.assert_allclose(virial, tensor(found.virials[0]), atol=1e-8)

    exact = predicted(potential(), structure).energies[0]
    told = {loss.element: loss.energy for loss in losses}
    loss = sum(told[symbol] for symbol in structure.symbols)
    # The other weights were rounded from float64 to float32.
    assert energy - exact == pytest.approx(loss, abs=1e-5)
