"""Descriptors against numbers that other programs published."""

import numpy as np
import pytest

from annpot.data.tfrecord import decode_record, read_payloads
from annpot.descriptors.calculator import descriptors
from annpot.structures.example_json import read_example
from annpot.structures.structure import Structure
from reference.descriptor_cases import PANNA_CONSTANTS, TUTORIAL_MBP, settings_of


def test_generation_3_in_double_precision(reference_data):
    """A molecule C O H4 in a large cell; the reference is float64 and so are we."""
    folder = reference_data / "panna_descriptor"
    structure = read_example(folder / "1.example", PANNA_CONSTANTS)
    settings = settings_of("HCNO", TUTORIAL_MBP, constants=PANNA_CONSTANTS)
    expected = np.load(folder / "1_gvects.npy")
    got = descriptors([structure], settings)[0]
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12)


def test_generation_1_of_periodic_carbon(reference_data):
    """Ten cells of 16 atoms, smaller than the cutoff in one direction.

    Tolerance: the reference is float32 and its largest values are about 20.
    """
    folder = reference_data / "panna_carbon_force"
    numbers = TUTORIAL_MBP | {"rsn_ang": 8, "eta_ang": 6.0}
    settings = settings_of("C", numbers, generation=1, constants=PANNA_CONSTANTS)
    records = list(map(decode_record, read_payloads(folder / "tfr_data-1-3.tfrecord")))
    assert len(records) == 10
    for record in records:
        structure = read_example(folder / f"{record.name}.example", PANNA_CONSTANTS)
        got = descriptors([structure], settings)[0]
        np.testing.assert_allclose(got, record.g.reshape(16, 80), rtol=0, atol=4e-6)


def test_generation_0_of_water(reference_data):
    """90 molecules; positions are not published but follow from the radial part.

    A Gaussian on a grid of centres gives its distance to float32 precision, three
    distances give a water molecule, and that all 384 numbers of its three atoms.
    """
    settings = settings_of("HCON", TUTORIAL_MBP | {"eta_ang": 6.0}, generation=0)
    path = reference_data / "panna_tutorial_records" / "train-1-10.tfrecord"
    waters = [r for r in map(decode_record, read_payloads(path)) if len(r.species) == 3]
    assert len(waters) > 10
    for record in waters:
        g = record.g.astype(float).reshape(3, 384)
        structure = _water(record.species, g, np.array(settings.radial_centres))
        got = descriptors([structure], settings)[0]
        # Ten times the float32 rounding of values up to 2, through the distances.
        np.testing.assert_allclose(got, g, rtol=0, atol=1e-6)


def _water(species, g, centres):
    """The molecule behind the radial functions of its atoms (eta = 16)."""

    def distance(block):
        k = np.clip(np.argmax(block), 1, 14)
        a, b = centres[k - 1], centres[k + 1]
        return (np.log(block[k - 1] / block[k + 1]) / 16 + a**2 - b**2) / (2 * (a - b))

    (o,), (h_1, h_2) = np.flatnonzero(species), np.flatnonzero(species == 0)
    from_oxygen = slice(16 * species[o], 16 * species[o] + 16)
    r_1, r_2 = distance(g[h_1, from_oxygen]), distance(g[h_2, from_oxygen])
    r_hh = distance(g[h_1, :16])
    x = (r_1**2 + r_2**2 - r_hh**2) / (2 * r_1)
    positions = np.zeros((3, 3))
    positions[h_1, 0] = r_1
    positions[h_2, :2] = x, np.sqrt(r_2**2 - x**2)
    return Structure("water", tuple("HCON"[s] for s in species), positions)


ANI_1X = {
    "rc_rad": 5.2, "rs0_rad": 0.9, "rsn_rad": 16, "eta_rad": 16.0,
    "rc_ang": 3.5, "rs0_ang": 0.9, "rsn_ang": 4, "eta_ang": 8.0,
    "thetasn": 8, "zeta": 32.0, "cosine_scale": 0.95, "radial_prefactor": 0.25,
}  # fmt: skip


@pytest.mark.parametrize(
    ("part", "first", "last"), [("radial", 0, 64), ("angular", 64, 384)]
)
def test_ani_environment_vectors(reference_data, part, first, last):
    """200 geometries of 20 molecules, as NeuroChem computed them in float32.

    Tolerance: float32 carries 6e-8; a 32nd power multiplies it by 32, to 2e-6 of the
    value. Values go up to 5.
    """
    stored = np.load(reference_data / "ani_neurochem" / "ani1x_neurochem_20.npz")
    settings = settings_of("HCNO", ANI_1X, generation=1)
    assert settings.n_features == 384
    for m in range(20):
        symbols = tuple(str(symbol) for symbol in stored[f"{m}_sp"])
        conformers = [
            Structure(f"molecule {m}", symbols, xyz.astype(float))
            for xyz in stored[f"{m}_xyz"]
        ]
        got = np.array(descriptors(conformers, settings))[:, :, first:last]
        expected = stored[f"{m}_{part}"]
        np.testing.assert_allclose(got, expected, rtol=3e-6, atol=3e-6)
