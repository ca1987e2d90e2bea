"""Losses and sums of batches of mixed sizes, absent labels and padding.

The reference is a plain loop over the structures that have the label.
"""

import math

import numpy as np
import pytest

from annpot.training.loss_settings import (
    ForceLossSettings,
    LossSettings,
    VirialLossSettings,
)

# Four structures and a slot that is not filled; B has no label of any kind.
SIZES = np.array([3.0, 2.0, 1.0, 4.0, 0.0])
PRESENT = np.array([True, False, True, True, False])
LABELLED = np.flatnonzero(PRESENT)
# Atoms are sorted by element, so structures mix; 5 marks rows of padding.
OWNERS = np.array([0, 3, 1, 0, 5, 3, 2, 5, 0, 1, 3, 3, 5], np.int32)
RNG = np.random.default_rng(7)
FORCES = RNG.normal(0.0, 0.8, (len(OWNERS), 3))  # d, eV/angstrom
FORCES[OWNERS == 1] = np.nan  # no label
FORCES[OWNERS == 5] = [1e3, np.nan, -1e3]  # whatever padding happens to hold
ENERGIES = np.array([0.5, np.nan, -1.0, 2.0, 7.0])  # d, eV
VIRIALS = RNG.normal(0.0, 3.0, (5, 6))  # d, eV
VIRIALS[1] = np.nan
N_PERIODIC = np.array([3.0, 3.0, 1.0, 2.0, 0.0])

FORCE_FORMULAS = {  # of the 3n components of a structure
    "quad": lambda d, n: sum(x * x for x in d),
    "exp_quad": lambda d, n: sum(math.exp(x * x) for x in d),
    "quad_atom": lambda d, n: sum(x * x for x in d) / n,
    "quad_percomp": lambda d, n: sum(x * x for x in d) / (3 * n),
}
VIRIAL_FORMULAS = {  # of the 3 x 3 matrix
    "quad": lambda w, n: np.linalg.norm(w) ** 2,
    "quad_atom": lambda w, n: np.linalg.norm(w / n) ** 2,
    "quad_std_atom": lambda w, n: np.linalg.norm(w) ** 2 / n,
    "quad_percomp": lambda w, n: np.mean((w / n) ** 2),
}
WEIGHTS = {
    None: lambda n: 1,
    "n_atoms": lambda n: 1 / n,
    "n_atoms2": lambda n: 1 / n**2,
    "3n_atoms": lambda n: 1 / (3 * n),
    "3n_atoms2": lambda n: 1 / (9 * n * n),
}


def matrix(components):
    """xx, yy, zz, yz, xz, xy -> 3 x 3."""
    xx, yy, zz, yz, xz, xy = components
    return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])


def joined(terms, reduction):
    return sum(terms) / len(terms) if reduction == "mean" else sum(terms)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("name", FORCE_FORMULAS)
def test_force_loss_of_a_mixed_batch(name, weight, reduction):
    from annpot.training.losses import force_loss

    terms = []
    for s in LABELLED:
        d, n = FORCES[s == OWNERS].ravel(), SIZES[s]
        terms.append(FORCE_FORMULAS[name](d, n) * WEIGHTS[weight](n))
    settings = ForceLossSettings(1.0, name, weight, reduction)
    found = force_loss(FORCES, OWNERS, SIZES, PRESENT, settings)
    assert found.dtype == "float64"
    # Sums of a few dozen numbers of one sign: some units of the last place.
    assert float(found) == pytest.approx(joined(terms, reduction), rel=1e-14)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("weight", [None, "n_atoms", "n_atoms2"])
@pytest.mark.parametrize("name", VIRIAL_FORMULAS)
def test_virial_loss_of_a_mixed_batch(name, weight, reduction):
    from annpot.training.losses import virial_loss

    terms = [
        VIRIAL_FORMULAS[name](matrix(VIRIALS[s]), SIZES[s]) * WEIGHTS[weight](SIZES[s])
        for s in LABELLED
    ]
    settings = VirialLossSettings(1.0, name, weight, reduction)
    found = virial_loss(VIRIALS, SIZES, PRESENT, settings)
    assert found.dtype == "float64"
    assert float(found) == pytest.approx(joined(terms, reduction), rel=1e-14)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("name", ["quad", "exp_quad", "quad_std_atom", "exp_quad_atom"])
def test_energies_that_are_absent_count_nowhere(name, reduction):
    from annpot.training.losses import energy_loss

    settings = LossSettings(name, None, reduction, 0.3)
    found = energy_loss(ENERGIES, SIZES, settings, PRESENT)
    alone = energy_loss(ENERGIES[PRESENT], SIZES[PRESENT], settings)
    assert float(found) == pytest.approx(float(alone), rel=1e-14)


def losses_of(present, energies, forces, virials):
    """Every exponential or mean loss at once, for the worst that can happen."""
    from annpot.training.losses import energy_loss, force_loss, virial_loss

    return (
        energy_loss(
            energies, SIZES, LossSettings("exp_quad_atom", None, "mean", 1.0), present
        )
        + force_loss(
            forces, OWNERS, SIZES, present,
            ForceLossSettings(1.0, "exp_quad", "3n_atoms", "mean"),
        )
        + virial_loss(virials, SIZES, present, VirialLossSettings(1.0))
    )  # fmt: skip


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "xla"])
@pytest.mark.parametrize("n_labelled", [3, 0])
def test_gradients_are_finite_and_zero_where_nothing_is_known(n_labelled, compiled):
    import tensorflow as tf

    present = PRESENT if n_labelled else np.zeros(5, bool)
    predictions = [tf.zeros(d.shape, tf.float64) for d in (ENERGIES, FORCES, VIRIALS)]

    def loss_and_gradients(*predictions):
        with tf.GradientTape() as tape:
            tape.watch(predictions)
            errors = [
                p + d
                for p, d in zip(predictions, (ENERGIES, FORCES, VIRIALS), strict=True)
            ]
            loss = losses_of(present.astype(float), *errors)
        return loss, tape.gradient(loss, predictions)

    if compiled:
        loss_and_gradients = tf.function(loss_and_gradients, jit_compile=True)
    loss, (of_energies, of_forces, of_virials) = loss_and_gradients(*predictions)
    assert np.isfinite(loss)
    assert (float(loss) == 0.0) == (n_labelled == 0)
    known = np.append(present, False)
    for gradient, is_known in (
        (of_energies, present), (of_forces, known[OWNERS]), (of_virials, present)
    ):  # fmt: skip
        gradient = gradient.numpy()
        assert np.isfinite(gradient).all()
        assert (gradient[~is_known] == 0).all()
        assert (gradient[is_known] != 0).all()


def test_a_batch_is_the_sum_of_its_structures():
    from annpot.training.losses import force_loss

    settings = ForceLossSettings(1.0, "exp_quad", "n_atoms", "sum")
    alone = sum(
        float(
            force_loss(
                FORCES[s == OWNERS],
                np.zeros(int(SIZES[s]), np.int32),
                SIZES[s : s + 1],
                None,
                settings,
            )
        )
        for s in LABELLED
    )
    together = force_loss(FORCES, OWNERS, SIZES, PRESENT, settings)
    assert float(together) == pytest.approx(alone, rel=1e-14)


@pytest.mark.parametrize("name", VIRIAL_FORMULAS)
def test_a_rotated_virial_has_the_same_loss(name):
    # Only with off-diagonal components counted twice.
    from annpot.training.losses import virial_loss

    rotation, _ = np.linalg.qr(RNG.normal(size=(3, 3)))
    rotated = rotation @ matrix(VIRIALS[0]) @ rotation.T
    rows, columns = [0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]
    settings = VirialLossSettings(1.0, name)
    first, second = (
        float(virial_loss(components[None], SIZES[:1], None, settings))
        for components in (VIRIALS[0], rotated[rows, columns])
    )
    assert first == pytest.approx(second, rel=1e-13)


def sums_of(name, errors, references, floor):
    """Sums of what is recorded of a label, from all its components."""
    counts = abs(references) >= floor
    assert 0 < counts.sum() < counts.size
    return {
        f"sum_abs_{name}": abs(errors).sum(),
        f"sum_square_{name}": (errors**2).sum(),
        f"sum_reference_{name}": references.sum(),
        f"sum_square_reference_{name}": (references**2).sum(),
        f"sum_relative_{name}": abs(errors[counts] / references[counts]).sum(),
        f"n_relative_{name}": counts.sum(),
    }


def test_sums_of_errors_are_those_of_the_labels_there_are():
    from annpot.training.error_sums import energy_sums, force_sums, virial_sums

    virials = VIRIALS.copy()
    virials[2, 1:] = 0.0  # a wire along x: 1 component
    virials[3, 2:5] = 0.0  # a slab in the xy plane: 4
    e_ref, f_ref, w_ref = ENERGIES - 3.0, 0.5 - FORCES, 2.0 * virials + 1.0
    w_ref[virials == 0] = 0.0
    # References below the floor: their errors count, relative ones do not.
    e_ref[LABELLED[0]] = 0.9e-3 * SIZES[LABELLED[0]]
    f_ref[list(OWNERS).index(LABELLED[0]), 1] = 0.009
    w_ref[0, 4] = 0.9e-3 * SIZES[0]
    n = SIZES[LABELLED]
    forces, f_refs = (
        np.concatenate([x[s == OWNERS] for s in LABELLED]) for x in (FORCES, f_ref)
    )
    matrices, w_refs = (
        np.array([matrix(x[s]) / SIZES[s] for s in LABELLED]) for x in (virials, w_ref)
    )
    expected = {
        "n_energies": 3,
        "sum_square": sum(ENERGIES[LABELLED] ** 2),
        **sums_of("per_atom", ENERGIES[LABELLED] / n, e_ref[LABELLED] / n, 1e-3),
        "n_force_components": 3 * (3 + 1 + 4),
        **sums_of("force", forces, f_refs, 0.01),
        "n_virial_components": 9 + 1 + 4,
        **sums_of("virial", matrices, w_refs, 1e-3),
    }
    for references, there in ((e_ref, PRESENT), (w_ref, PRESENT)):
        references[~there] = np.nan
    found = {
        **energy_sums(ENERGIES, e_ref, SIZES, PRESENT),
        **force_sums(FORCES, f_ref, OWNERS, SIZES, PRESENT),
        **virial_sums(virials, w_ref, SIZES, N_PERIODIC, PRESENT),
    }
    found = {name: float(value) for name, value in found.items()}
    assert found == pytest.approx(expected, rel=1e-13)


def test_a_molecule_has_no_virial_components():
    from annpot.training.error_sums import virial_sums

    nothing = np.full((2, 6), np.nan)
    found = virial_sums(nothing, nothing, SIZES[:2], np.zeros(2))
    assert {float(value) for value in found.values()} == {0.0}


def test_what_is_not_trained_is_recorded_as_zero():
    from annpot.training.error_sums import trace_record
    from annpot.training.trace import TRACE, by_name

    record = trace_record({"loss": 3.0, "n_energies": 2.0}).numpy()
    assert record[0] == 3.0  # where a NaN is looked for
    named = by_name(record)
    assert {name for name in TRACE if named[name]} == {"loss", "n_energies"}


def test_every_choice_of_the_ini_file_has_a_formula():
    from annpot.config.schema.keys import choices_of
    from annpot.config.schema.train_parameters import Training
    from annpot.training import losses

    for key, table in (
        ("floss_function", losses.FORCE_LOSSES),
        ("force_weights", losses.FORCE_WEIGHTS),
        ("force_reduction", losses.REDUCTIONS),
        ("vloss_function", losses.VIRIAL_LOSSES),
        ("virial_weights", losses.WEIGHTS),
        ("virial_reduction", losses.REDUCTIONS),
    ):
        assert set(choices_of(Training.model_fields[key])) == set(table) - {None}


def test_settings_are_those_of_the_section():
    from annpot.config.schema.train_parameters import Training
    from annpot.training import loss_settings

    section = Training(
        batch_size=1, loss_function="exp_quad", energy_prefactor=2.0, forces_cost=0.1,
        floss_function="exp_quad", force_weights="3n_atoms", force_reduction="sum",
        virial_cost=0.2, vloss_function="quad", virial_weights="n_atoms",
    )  # fmt: skip
    energy = loss_settings.energy_loss_settings(section)
    forces = loss_settings.force_loss_settings(section)
    virials = loss_settings.virial_loss_settings(section)
    assert energy == LossSettings("exp_quad", None, "mean", 2.0)
    assert forces == ForceLossSettings(0.1, "exp_quad", "3n_atoms", "sum")
    assert virials == VirialLossSettings(0.2, "quad", "n_atoms", "mean")
    assert forces.is_on
    assert virials.is_on
    assert not loss_settings.force_loss_settings(Training(batch_size=1)).is_on
    assert not loss_settings.virial_loss_settings(Training(batch_size=1)).is_on
