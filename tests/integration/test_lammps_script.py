"""Input scripts of LAMMPS: app_lammps run, units, other styles, what is told."""

import re
from dataclasses import replace

import numpy as np
import pytest

from annpot.apps.lammps import main
from annpot.models.folder import write_model
from annpot.models.model import DescriptorRange
from reference.lammps_plugin import plugin
from reference.small_models import MODELS
from reference.small_potentials import STRUCTURES, predicted

MODEL, STRUCTURE = MODELS["mBP generation 3"], STRUCTURES["molecule"]
TYPES = sorted(set(STRUCTURE.symbols))  # C, H, O
KCAL = 23.060549  # kcal/mol in an eV, the factor of LAMMPS
START = """
units {units}
atom_style atomic
boundary f f f
region box block -20 20 -20 20 -20 20
create_box 3 box
{atoms}
mass * 1.0
"""
END = """
compute outside all pair annpot
compute energies all pe/atom
{more}
dump forces all custom 1 {folder}/dump id fx fy fz c_energies {dumped}
dump_modify forces sort id format float %.15g
thermo 1
thermo_style custom step pe c_outside[1] c_outside[2]
thermo_modify format float %.15g norm no
run {steps}
"""


@pytest.fixture
def folder(tmp_path):
    """Folder with a model whose range is left by atoms of H in one component."""
    plugin()
    n_features = MODEL.settings.n_features
    maximum = np.full(n_features, 1e3)
    maximum[5] = -1.0
    ranges = {"H": DescriptorRange(np.full(n_features, -2.0), maximum, 5)}
    write_model(tmp_path / "model", replace(MODEL, ranges=ranges))
    return tmp_path


def run(folder, style, units="metal", more="", dumped="", steps=0, ranks=1):
    """Exit code, rows of the thermodynamic output, rows of the dump."""
    atoms = "\n".join(
        f"create_atoms {TYPES.index(symbol) + 1} single {x:.17g} {y:.17g} {z:.17g}"
        for symbol, (x, y, z) in zip(
            STRUCTURE.symbols, STRUCTURE.positions, strict=True
        )
    )
    script = folder / "in.lammps"
    start = START.format(units=units, atoms=atoms)
    end = END.format(more=more, folder=folder, dumped=dumped, steps=steps)
    script.write_text(start + style.format(folder=folder) + end)
    words = ["-log", str(folder / "log"), "-screen", "none"]
    code = main(["run", str(script), "--ranks", str(ranks), "--", *words])
    if code:
        return code, None, None
    log = (folder / "log").read_text()
    rows = re.search(r"\n *Step .*\n((?: *[0-9].*\n)+)", log)[1].split("\n")[:-1]
    dump = (folder / "dump").read_text().split("ITEM: ATOMS")[-1].split("\n")[1:-1]
    return code, *(np.array([r.split() for r in part], float) for part in (rows, dump))


ONE = "pair_style annpot\npair_coeff * * {folder}/model " + " ".join(TYPES)


@pytest.mark.parametrize(
    ("units", "factor", "ranks"), [("metal", 1, 1), ("real", KCAL, 2)]
)
def test_energies_and_forces_in_both_units(folder, units, factor, ranks):
    _, thermo, dump = run(folder, ONE, units, ranks=ranks)
    expected = predicted(MODEL.potential, STRUCTURE)
    assert thermo[0, 1] / factor == pytest.approx(expected.energies[0], rel=1e-13)
    np.testing.assert_allclose(dump[:, 1:4] / factor, expected.forces, atol=1e-9)
    np.testing.assert_allclose(dump[:, 4] / factor, expected.atomic_energies, atol=1e-9)


def test_types_without_network_belong_to_other_styles(folder):
    """O is NULL: the atoms of H and C do not see it."""
    style = (
        "pair_style hybrid/overlay annpot zero 6.0\n"
        "pair_coeff * * annpot {folder}/model C H NULL\npair_coeff * * zero"
    )
    _, thermo, dump = run(folder, style)
    kept = np.array([symbol != "O" for symbol in STRUCTURE.symbols])
    part = replace(
        STRUCTURE,
        symbols=tuple(symbol for symbol in STRUCTURE.symbols if symbol != "O"),
        positions=STRUCTURE.positions[kept],
    )
    expected = predicted(MODEL.potential, part)
    assert 0 < kept.sum() < len(kept)
    assert thermo[0, 1] == pytest.approx(expected.energies[0], rel=1e-13)
    np.testing.assert_allclose(dump[kept, 1:4], expected.forces, atol=1e-9)
    np.testing.assert_array_equal(dump[~kept, 1:], 0)


@pytest.mark.parametrize("ranks", [1, 2])
def test_extrapolation_is_told_counted_and_dumped(folder, ranks):
    hydrogen = [symbol == "H" for symbol in STRUCTURE.symbols]
    more = "fix components all pair 1 annpot extrapolation 0"
    _, thermo, dump = run(
        folder, ONE, more=more, dumped="f_components", steps=3, ranks=ranks
    )
    n = sum(hydrogen)
    assert thermo[:, 2].tolist() == [n] * 4
    assert thermo[:, 3].tolist() == [n, 2 * n, 3 * n, 4 * n]
    np.testing.assert_array_equal(dump[:, 5], hydrogen)
    log = (folder / "log").read_text()
    told = re.findall(r"WARNING: (annpot .*)", log)
    if ranks == 2 and not told:  # the log is that of the first rank
        return
    (told,) = told  # once
    atom = re.search(r"extrapolates at step 0: atom (\d) \(H\): component 5 ", told)
    assert hydrogen[int(atom[1]) - 1]
    assert f"({MODEL.settings.feature_names()[5]})" in told
    assert "in training it was -2 to -1; " in told


def test_a_script_that_fails_is_an_error(folder, capsys):
    code, _, _ = run(folder, ONE + " Si")
    assert code == 1
    assert "LAMMPS stopped with exit code 1; see above" in capsys.readouterr().err
