"""What descriptors must not notice, and what they must do at the cutoff.

Tolerances of 1e-12: moved or rotated coordinates are rounded to 1e-15 angstrom, which
the steepest functions here (zeta = 50) multiply by less than 1000.
"""

from concurrent.futures import ThreadPoolExecutor

import ase.build
import numpy as np
import pytest

from annpot.descriptors.calculator import descriptors
from annpot.errors import InputError
from annpot.structures.structure import Structure
from reference.descriptor_cases import SMALL_BP, TUTORIAL_MBP, settings_of

SPECIES = ("H", "C", "O")
SETTINGS = {
    "mBP": settings_of(SPECIES, TUTORIAL_MBP),
    "BP": settings_of(SPECIES, SMALL_BP, kind="BP"),
}
SKEWED = np.array([[5.0, 0.4, 0.0], [-1.1, 4.4, 0.3], [0.5, 1.2, 4.8]])


@pytest.fixture(params=SETTINGS)
def settings(request):
    return SETTINGS[request.param]


def methanol(seed=0):
    """A distorted methanol molecule."""
    molecule = ase.build.molecule("CH3OH")
    noise = np.random.default_rng(seed).normal(0, 0.05, (6, 3))
    symbols = tuple(molecule.get_chemical_symbols())
    return Structure(f"methanol {seed}", symbols, molecule.positions + noise)


def crystal():
    """Methanol in a skewed cell about as wide as the cutoff."""
    molecule = methanol()
    return Structure(
        "crystal", molecule.symbols, molecule.positions, SKEWED, np.ones(3, bool)
    )


def moved(structure, positions, cell=None):
    cell = structure.cell if cell is None else cell
    return Structure(structure.name, structure.symbols, positions, cell, structure.pbc)


def g_of(structure, settings):
    return descriptors([structure], settings)[0]


def same(a, b):
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


def rotation():
    """A proper rotation without special angles."""
    q, r = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q * np.linalg.det(q)


@pytest.mark.parametrize("structure", [methanol(), crystal()], ids=["free", "periodic"])
class TestInvariance:
    def test_translation(self, structure, settings):
        shift = np.array([1.3, -20.1, 7.7])
        there = moved(structure, structure.positions + shift)
        same(g_of(there, settings), g_of(structure, settings))

    def test_rotation_and_inversion(self, structure, settings):
        for turn in (rotation(), -np.eye(3), -rotation()):
            turned = moved(structure, structure.positions @ turn, structure.cell @ turn)
            same(g_of(turned, settings), g_of(structure, settings))

    def test_order_of_atoms(self, structure, settings):
        order = np.random.default_rng(2).permutation(structure.n_atoms)
        shuffled = Structure(
            "shuffled", tuple(structure.symbols[k] for k in order),
            structure.positions[order], structure.cell, structure.pbc,
        )  # fmt: skip
        same(g_of(shuffled, settings), g_of(structure, settings)[order])


def test_wrapped_and_unwrapped_positions_are_the_same(settings):
    cell = crystal()
    shifts = np.random.default_rng(1).integers(-3, 4, (cell.n_atoms, 3))
    same(
        g_of(moved(cell, cell.positions + shifts @ SKEWED), settings),
        g_of(cell, settings),
    )


def test_a_supercell_repeats_the_cell(settings):
    cell = crystal()
    repeats = [np.array([a, b, 0]) @ SKEWED for a in range(2) for b in range(3)]
    larger = Structure(
        "supercell", cell.symbols * 6,
        np.concatenate([cell.positions + shift for shift in repeats]),
        SKEWED * [[2], [3], [1]], cell.pbc,
    )  # fmt: skip
    same(g_of(larger, settings), np.tile(g_of(cell, settings), (6, 1)))


def test_far_molecules_do_not_see_each_other(settings):
    a, b = methanol(1), methanol(2)
    both = Structure(
        "both", a.symbols + b.symbols, np.concatenate([a.positions, b.positions + 50.0])
    )
    expected = np.concatenate([g_of(a, settings), g_of(b, settings)])
    same(g_of(both, settings), expected)


def test_the_central_species_does_not_matter(settings):
    """It selects the network, not the descriptor."""
    positions = methanol().positions
    water = Structure("H centre", ("H", "O", "C"), positions[:3])
    other = Structure("C centre", ("C", "O", "C"), positions[:3])
    same(g_of(water, settings)[0], g_of(other, settings)[0])


@pytest.mark.parametrize("which", ["radial", "angular"])
def test_value_and_slope_vanish_at_the_cutoff(which, settings):
    """f_c ~ (pi h / 2 r_cut)^2 at a distance h inside: the value falls as h^2."""
    inside = slice(None, settings.n_radial_features)
    if which == "angular":
        inside = slice(settings.n_radial_features, None)
    r_cut = settings.r_cut_radial if which == "radial" else settings.r_cut_angular

    def value(h):
        positions = [[0, 0, 0], [r_cut - h, 0, 0], [1.0, 1.5, 0]]
        g = g_of(
            Structure("at the cutoff", ("C", "O", "H"), np.array(positions)), settings
        )
        # The pair O-H sees no change at atom C but through O, the leaving atom.
        return g[0, inside]

    beyond = value(-1e-9)
    assert (value(0.0) == beyond).all()
    assert abs(value(1e-3) - beyond).max() < 1e-5
    slope = abs(value(2e-4) - value(1e-4)).max() / 1e-4
    assert slope < 1e-3
    assert abs(value(0.3) - beyond).max() > 1e-7  # the leaving atom was seen at all


def test_a_batch_gives_the_bits_of_one_by_one(settings):
    """Also across periodic and free structures and with any number of threads."""
    structures = [methanol(k) for k in range(40)]
    structures[3:3] = [crystal()]
    structures[20:20] = [crystal()]
    alone = [g_of(structure, settings) for structure in structures]
    for threads in (1, 2, 5):
        together = descriptors(structures, settings, threads=threads)
        for a, b in zip(alone, together, strict=True):
            assert a.tobytes() == b.tobytes()


def test_calls_from_several_threads_do_not_disturb_each_other(settings):
    structures = [methanol(k) for k in range(60)]
    alone = descriptors(structures, settings)
    with ThreadPoolExecutor(4) as pool:
        for g in pool.map(lambda _: descriptors(structures, settings), range(8)):
            assert all((a == b).all() for a, b in zip(alone, g, strict=True))


def test_float32_is_the_rounded_float64(settings):
    single = descriptors([methanol()], settings, np.float32)[0]
    assert single.dtype == np.float32
    assert (single == g_of(methanol(), settings).astype(np.float32)).all()


def test_absent_species_and_lone_atoms_give_zeros(settings):
    lone = g_of(Structure("lone", ("O",), np.zeros((1, 3))), settings)
    assert lone.shape == (1, settings.n_features)
    assert not lone.any()
    pair = g_of(Structure("pair", ("O", "O"), np.eye(3)[:2]), settings)
    n = len(settings.radial_etas)
    assert not pair[:, : 2 * n].any()
    assert pair[:, 2 * n : 3 * n].any()
    assert np.isfinite(pair).all()


def test_no_structures_and_empty_structures_are_fine(settings):
    assert descriptors([], settings) == []
    empty = Structure("empty", (), np.empty((0, 3)))
    assert g_of(empty, settings).shape == (0, settings.n_features)


def test_ase_atoms_are_structures_too(settings):
    own = methanol()
    atoms = ase.Atoms("".join(own.symbols), own.positions)
    assert (g_of(atoms, settings) == g_of(own, settings)).all()


def test_many_atoms_take_several_calls(settings, monkeypatch):
    structures = [methanol(k) for k in range(7)]
    expected = descriptors(structures, settings)
    monkeypatch.setattr("annpot.descriptors.calculator.ATOMS_PER_CALL", 12)
    got = descriptors(structures, settings)
    assert all((a == b).all() for a, b in zip(expected, got, strict=True))


def test_an_element_without_functions_is_named(settings):
    silane = Structure("silane", ("Si", "H"), np.eye(3)[:2])
    with pytest.raises(
        InputError, match=r"silane: element Si found, expected only H, C"
    ):
        g_of(silane, settings)
