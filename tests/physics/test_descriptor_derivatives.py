"""Derivatives of the descriptors: formulas, differences, symmetries, kinks.

`agree`, 1e-11: derivatives are of order 1 to 100; the slope of x^zeta has the rounding
of 1 - c^2 over its root, which near collinear atoms is a few digits more than that of
the descriptor itself.
"""

import logging
from dataclasses import replace

import numpy as np
import pytest

from annpot.data.tfrecord import read_records
from annpot.descriptors import calculator
from annpot.descriptors.derivatives import descriptors_and_derivatives, most_nonzero
from annpot.structures.example_json import read_example
from reference.descriptor_cases import (
    CASES,
    FORMS,
    PANNA_CONSTANTS,
    SKEWED,
    SMALL_BP,
    SMALL_MBP,
    SPECIES,
    TUTORIAL_MBP,
    in_words,
    placed,
    scattered,
    settings_of,
)
from reference.numpy_symmetry_derivatives import (
    behler_parrinello_derivatives,
    modified_bp_derivatives,
)
from reference.numpy_symmetry_functions import neighbors_of

VOIGT = ([0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1])
SETTINGS = {
    name: settings_of(SPECIES, numbers, generation=generation)
    for name, (numbers, generation) in FORMS.items()
} | {
    "BP": settings_of(SPECIES, SMALL_BP, kind="BP"),
    "BP, real exponents": settings_of(
        SPECIES, SMALL_BP | {"zeta": (1.5, 16.0)}, kind="BP"
    ),
    "ANI": settings_of(
        SPECIES,
        SMALL_MBP | {"cosine_scale": 0.95, "radial_prefactor": 0.25},
        generation=1,
    ),
    "tutorial": settings_of(SPECIES, TUTORIAL_MBP),
}
every_descriptor = pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
every_case = pytest.mark.parametrize("case", CASES)


def of(structure, settings, **options):
    """(g, DescriptorDerivatives) of one structure."""
    return descriptors_and_derivatives([structure], settings, **options)[0]


def dense(structure, settings):
    return of(structure, settings)[1].dense()


def agree(got, expected):
    np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-11)


def slope(value, h):
    """Derivative of value(x) at 0 by central differences; error of order h^4."""
    near, far = value(h) - value(-h), value(2 * h) - value(-2 * h)
    return (8 * near - far) / (12 * h)


def test_the_descriptors_are_those_without_derivatives():
    for settings in SETTINGS.values():
        for case in CASES.values():
            (g,) = calculator.descriptors([case], settings)
            both = of(case, settings, strain=True)[0]
            # Two compiled programs: a processor may fuse other products in each.
            np.testing.assert_allclose(both, g, rtol=1e-12, atol=1e-14)


@every_case
@pytest.mark.parametrize("form", FORMS)
def test_modified_bp_is_its_formula(case, form):
    structure, (numbers, generation) = CASES[case], FORMS[form]
    expected = modified_bp_derivatives(
        structure.symbols, structure.positions, structure.cell, structure.pbc,
        SPECIES, in_words(numbers, generation),
    )  # fmt: skip
    compare_with_formula(structure, SETTINGS[form], expected)


@every_case
@pytest.mark.parametrize("zeta", [(1.0, 4.0), (1.5, 16.0)])
def test_behler_parrinello_is_its_formula(case, zeta):
    structure, numbers = CASES[case], SMALL_BP | {"zeta": zeta}
    step = numbers["rc_rad"] / numbers["rsn_rad"]
    expected = behler_parrinello_derivatives(
        structure.symbols, structure.positions, structure.cell, structure.pbc,
        SPECIES, numbers | {"centres_rad": np.arange(numbers["rsn_rad"]) * step},
    )  # fmt: skip
    settings = settings_of(SPECIES, numbers, kind="BP")
    compare_with_formula(structure, settings, expected)


def compare_with_formula(structure, settings, expected):
    got = of(structure, settings, strain=True)[1]
    agree(got.dense(), expected.positions)
    agree(got.strain, expected.strain[..., *VOIGT])


def smooth(settings, case):
    """Whether differences are of use: no kink, no pair where f_c'' jumps."""
    return case != "at the cutoffs" and not (
        settings.has_kinks and of(CASES[case], settings)[1].n_collinear.any()
    )


@every_case
@every_descriptor
def test_differences_of_the_descriptor(case, settings):
    """By random motions of all atoms and by random strains, in float64.

    Errors of the differences: 1e-16 / h, and h^4 / 30 of a fifth derivative.
    """
    if not smooth(settings, case):
        pytest.skip("no second derivative there")
    structure, rng, h = CASES[case], np.random.default_rng(4), 2e-4
    derivatives = of(structure, settings, strain=True)[1]
    motion = rng.uniform(-1, 1, structure.positions.shape)
    strain = rng.uniform(-1, 1, (3, 3))
    strain += strain.T

    def along(x):
        return g_at(structure, settings, structure.positions + x * motion)

    def strained(x):
        turn = np.eye(3) + x * strain
        return g_at(
            structure, settings, structure.positions @ turn, structure.cell @ turn
        )

    by_motion = np.einsum("ickx,kx->ic", derivatives.dense(), motion)
    off_diagonal_twice = np.array([1, 1, 1, 2, 2, 2])
    by_strain = derivatives.strain @ (strain[VOIGT] * off_diagonal_twice)
    for got, value in ((by_motion, along), (by_strain, strained)):
        expected = slope(value, h)
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-7)


def g_at(structure, settings, positions, cell=None):
    cell = structure.cell if cell is None else cell
    there = replace(structure, positions=positions, cell=cell)
    return calculator.descriptors([there], settings)[0]


def test_each_atom_and_direction_has_its_place():
    structure, settings = CASES["skewed, smaller than the cutoff"], SETTINGS["tutorial"]
    got = dense(structure, settings)
    for k, x in ((0, 0), (1, 1), (2, 2)):
        push = np.zeros((3, 3))
        push[k, x] = 1

        def value(h, push=push):
            return g_at(structure, settings, structure.positions + h * push)

        # Values of 30 with eta = 16 and zeta = 50.
        np.testing.assert_allclose(got[:, :, k, x], slope(value, 2e-4), atol=1e-6)


@every_case
@every_descriptor
def test_moving_everything_changes_nothing(case, settings):
    total = dense(CASES[case], settings).sum(axis=2)
    assert abs(total).max() < 1e-12


@every_descriptor
def test_derivatives_turn_with_the_structure(settings):
    structure = CASES["skewed, smaller than the cutoff"]
    q, r = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))
    turn = q * np.sign(np.diag(r))
    turned = replace(
        structure, positions=structure.positions @ turn, cell=structure.cell @ turn
    )
    agree(dense(turned, settings), dense(structure, settings) @ turn)


@every_descriptor
def test_order_of_atoms_and_choice_of_image_do_not_matter(settings):
    structure = scattered("CHHOH", SKEWED, (True,) * 3)
    order = [3, 0, 4, 2, 1]
    shifts = np.random.default_rng(1).integers(-3, 4, (5, 3))
    moved = replace(
        structure,
        symbols=tuple(structure.symbols[k] for k in order),
        positions=structure.positions[order] + shifts @ SKEWED,
    )
    expected = dense(structure, settings)[order][:, :, order]
    agree(dense(moved, settings), expected)


def test_a_supercell_adds_up_to_the_cell():
    """Moving all copies of an atom moves the atom of the small cell."""
    structure, settings = CASES["skewed, smaller than the cutoff"], SETTINGS["tutorial"]
    offsets = np.array([[0, 0, 0], [0, 1, 0]]) @ SKEWED
    larger = replace(
        structure,
        symbols=structure.symbols * 2,
        positions=np.concatenate([structure.positions + shift for shift in offsets]),
        cell=SKEWED * [[1], [2], [1]],
    )
    got = dense(larger, settings).reshape(2, 3, -1, 2, 3, 3).sum(axis=3)
    for copy in got:
        agree(copy, dense(structure, settings))


@pytest.mark.parametrize("which", ["radial", "angular"])
@every_descriptor
def test_derivatives_vanish_at_the_cutoff(which, settings):
    """f_c' ~ pi^2 h / (2 r_cut^2) at a distance h inside."""
    inside = slice(settings.n_radial_features)
    if which == "angular":
        inside = slice(settings.n_radial_features, None)
    r_cut = settings.r_cut_radial if which == "radial" else settings.r_cut_angular

    def by_the_leaving_atom(h):
        positions = [[0, 0, 0], [r_cut - h, 0, 0], [1.0, 1.5, 0]]
        return abs(dense(placed("COH", positions), settings)[0, inside, 1]).max()

    assert by_the_leaving_atom(0.0) == by_the_leaving_atom(-1e-9) == 0
    steepest = 100 if settings is SETTINGS["tutorial"] else 10
    assert by_the_leaving_atom(1e-6) < steepest * 1e-6
    # It was seen at all; Gaussians leave little of it so far out.
    assert by_the_leaving_atom(0.3) > 1e-7


LINE = np.array([[-1.2, 0, 0], [0, 0, 0], [1.3, 0, 0]])


class TestCollinearAtoms:
    """Without smoothing x^zeta has a kink where j, i and k lie on one line."""

    settings = SETTINGS["generation 1"]

    def angular(self, positions, which=None):
        structure = placed("OCO", positions)
        angular = slice(self.settings.n_radial_features, None)
        return dense(structure, which or self.settings)[1, angular]

    def test_the_part_of_the_angle_is_zero(self):
        """What is left acts along the line, as the distances do."""
        found = self.angular(LINE)
        assert np.isfinite(found).all()
        assert abs(found[:, :, 0]).max() > 1e-3
        assert not found[:, :, 1:].any()

    def test_whatever_the_direction_of_the_line(self):
        """Rounding of the turned positions bends the line by 1e-16 radian."""
        for seed in range(5):
            turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
            agree(self.angular(LINE @ turn), self.angular(LINE) @ turn)

    def test_it_is_between_the_two_sides(self):
        bent = np.array([[0, 0, 0], [0, 1e-5, 0], [0, 0, 0]])
        up, down = self.angular(LINE + bent), self.angular(LINE - bent)
        assert abs(up[:, :, 1]).max() > 0.01
        # The steepest change beside the kink: zeta times 1e-5.
        np.testing.assert_allclose((up + down) / 2, self.angular(LINE), atol=2e-4)

    def test_smoothing_leaves_no_kink(self):
        bent = np.array([[0, 0, 0], [0, 1e-8, 0], [0, 0, 0]])
        smooth = SETTINGS["generation 3"]
        there, here = self.angular(LINE + bent, smooth), self.angular(LINE, smooth)
        assert not here[:, :, 1:].any()
        assert abs(there - here).max() < 1e-5

    def test_the_structure_is_named(self, caplog):
        straight = replace(placed("OCO", LINE), name="carbon dioxide")
        with caplog.at_level(logging.WARNING):
            descriptors_and_derivatives([CASES["molecule"], straight], self.settings)
        (warning,) = caplog.messages
        assert warning.startswith(
            "1 structures with exactly collinear neighbours (carbon dioxide): this "
            "descriptor has a kink there, and 0 was taken for the derivative"
        )

    @pytest.mark.parametrize("name", ["generation 2", "generation 3", "BP", "ANI"])
    def test_smooth_descriptors_do_not_warn(self, name, caplog):
        with caplog.at_level(logging.WARNING):
            of(placed("OCO", LINE), SETTINGS[name])
        assert not SETTINGS[name].has_kinks
        assert not caplog.messages


class TestPublished:
    def test_generation_3_in_double_precision(self, reference_data):
        """A molecule C O H4 in a large cell; the reference is float64 and so are we."""
        folder = reference_data / "panna_descriptor"
        structure = read_example(folder / "1.example", PANNA_CONSTANTS)
        settings = settings_of("HCNO", TUTORIAL_MBP, constants=PANNA_CONSTANTS)
        expected = np.load(folder / "1_dgvects.npy")
        got = dense(structure, settings)
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-11)

    def test_generation_1_of_periodic_carbon(self, reference_data):
        """Ten cells of 16 atoms; the reference is float32.

        It was computed from 1 - c^2, whose rounding near a line is 1e-16 over the
        square of the angle, 2.5e-5 of a slope at 2e-6 radian. Left out are the 8 atoms
        at a kink and 5 with neighbours closer to a line than that.
        """
        folder = reference_data / "panna_carbon_force"
        numbers = TUTORIAL_MBP | {"rsn_ang": 8, "eta_ang": 6.0}
        settings = settings_of("C", numbers, generation=1, constants=PANNA_CONSTANTS)
        compared = 0
        for record in read_records(folder / "tfr_data-1-3.tfrecord"):
            path = folder / f"{record.name}.example"
            structure = read_example(path, PANNA_CONSTANTS)
            got, expected = dense(structure, settings), record.derivatives.values
            keep = smallest_sine(structure, settings.r_cut_angular) > 2e-6
            compared += keep.sum()
            np.testing.assert_allclose(got[keep], expected[keep], rtol=0, atol=4e-6)
        assert compared == 160 - 8 - 5


def smallest_sine(structure, r_cut):
    """(n_atoms,) smallest sine of an angle between two neighbours of each atom.

    Two images of the atom itself stay on one line whatever moves.
    """
    found = []
    for i in range(structure.n_atoms):
        around = neighbors_of(
            i, structure.positions, structure.cell, structure.pbc, r_cut
        )
        units = np.array([v / np.linalg.norm(v) for _, v in around])
        sines = np.linalg.norm(np.cross(units[:, None], units[None, :]), axis=-1)
        is_own = np.array([j == i for j, _ in around])
        left_out = np.eye(len(units), dtype=bool) | np.outer(is_own, is_own)
        found.append(sines[~left_out].min())
    return np.array(found)


class TestLayouts:
    structures = (
        scattered("CHHOH", SKEWED, (True,) * 3),
        CASES["molecule"],
        CASES["lone atom"],
        placed("", np.empty((0, 3))),
        CASES["slab"],
    )
    settings = SETTINGS["tutorial"]

    def test_blocks_of_atoms_within_reach_only(self):
        apart = np.concatenate([CASES["molecule"].positions, [[50.0, 0, 0]]])
        g, found = of(placed("CHHOHO", apart), self.settings)
        assert found.first.tolist() == [0, 5, 10, 15, 20, 25, 26]
        assert found.moved[-1] == 5
        assert found.values.shape == (26, g.shape[1], 3)
        assert not found.dense()[:5, :, 5].any()
        assert not found.values[-1].any()

    def test_sparse_is_dense_without_zeros(self):
        for structure in self.structures:
            found = of(structure, self.settings, dtype=np.float32)[1]
            values, rows, columns = found.sparse()
            full = found.dense()
            table = full.reshape(-1, max(3 * structure.n_atoms, 1))
            expected = np.nonzero(table)
            np.testing.assert_array_equal((rows, columns), expected)
            np.testing.assert_array_equal(values, table[expected])
            assert len(values) <= most_nonzero(structure, self.settings)

    def test_the_bound_of_sparse_derivatives_is_close(self):
        """Components that vanish by chance or in float32 are few in dense matter."""
        settings = settings_of("C", TUTORIAL_MBP)
        crystal = scattered("C" * 12, SKEWED * 1.6, (True,) * 3)
        values = of(crystal, settings, dtype=np.float32)[1].sparse()[0]
        assert len(values) > 0.5 * most_nonzero(crystal, settings)

    def test_a_batch_gives_the_bits_of_one_by_one(self, monkeypatch):
        alone = [of(one, self.settings, strain=True) for one in self.structures]
        for values_per_call in (1, 2**24):
            monkeypatch.setattr(
                "annpot.descriptors.derivatives.VALUES_PER_CALL", values_per_call
            )
            for threads in (1, 3):
                together = descriptors_and_derivatives(
                    self.structures, self.settings, threads=threads, strain=True
                )
                for (g, found), (alone_g, expected) in zip(
                    together, alone, strict=True
                ):
                    assert (g == alone_g).all()
                    for name, values in vars(expected).items():
                        assert (getattr(found, name) == values).all(), name

    def test_float32_is_the_rounded_float64(self):
        structure = self.structures[0]
        single = of(structure, self.settings, dtype=np.float32)[1]
        assert single.values.dtype == np.float32
        rounded = dense(structure, self.settings).astype(np.float32)
        assert (single.dense() == rounded).all()

    def test_no_structures(self):
        assert descriptors_and_derivatives([], self.settings) == []
