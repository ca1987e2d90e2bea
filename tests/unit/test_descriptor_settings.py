"""From INI numbers to constants: units, lists, generations, lengths, names."""

import json
from dataclasses import replace

import numpy as np
import pytest

from annpot.descriptors.definition import DescriptorSettings
from annpot.descriptors.settings import descriptor_settings
from annpot.errors import InputError
from annpot.units import CODATA_2022
from reference.descriptor_cases import (
    SMALL_BP,
    SMALL_MBP,
    TUTORIAL_MBP,
    configuration,
    settings_of,
)


def problems_of(numbers, **options):
    with pytest.raises(InputError) as caught:
        settings_of("HO", numbers, **options)
    return str(caught.value)


def test_centres_start_at_rs0_and_stop_one_step_before_the_cutoff():
    settings = settings_of("HCON", TUTORIAL_MBP)
    step = (4.6 - 0.5) / 16
    assert settings.radial_centres == pytest.approx([0.5 + k * step for k in range(16)])
    assert settings.angular_centres == pytest.approx([0.5, 1.15, 1.8, 2.45])
    assert settings.radial_etas == (16.0,) * 16
    assert settings.n_features == 4 * 16 + 10 * 4 * 8 == 384


def test_explicit_centres_replace_the_regular_ones():
    numbers = SMALL_MBP | {
        "rs_rad_list": (1.0, 2.5), "rs_ang_list": (1.5,), "thetas_list": (30.0, 90.0),
        "eta_rad": (3.0, 4.0), "zeta": (8.0, 9.5),
    }  # fmt: skip
    settings = settings_of("HO", numbers)
    assert settings.radial_centres == (1.0, 2.5)
    assert settings.radial_etas == (3.0, 4.0)
    assert settings.angular_centres == (1.5,)
    assert settings.thetas == pytest.approx([np.pi / 6, np.pi / 2])
    assert settings.zetas == (8.0, 9.5)  # 9.5 stays 9.5


def test_bohr_scales_lengths_and_inverse_squared_widths():
    numbers = SMALL_MBP | {"gvect_parameters_unit": "bohr"}
    bohr = CODATA_2022.bohr
    in_bohr, in_angstrom = settings_of("HO", numbers), settings_of("HO", SMALL_MBP)
    assert in_bohr.r_cut_radial == 4.6 * bohr
    assert in_bohr.r_cut_angular == 3.1 * bohr
    assert in_bohr.radial_etas[0] == 3.0 / bohr**2
    assert in_bohr.angular_etas[0] == 2.0 / bohr**2
    assert in_bohr.radial_centres == pytest.approx(
        [bohr * centre for centre in in_angstrom.radial_centres]
    )
    assert in_bohr.thetas == in_angstrom.thetas


@pytest.mark.parametrize(
    ("generation", "first_theta", "pair_weight", "epsilon"),
    [(0, 0, 2, 0), (1, 30, 1, 0), (2, 30, 1, 1e-2), (3, 30, 1, 1e-3)],
)
def test_four_generations(generation, first_theta, pair_weight, epsilon):
    settings = settings_of("HO", SMALL_MBP, generation=generation)
    assert np.degrees(settings.thetas) == pytest.approx(
        [first_theta + 60 * k for k in range(3)]
    )
    assert settings.pair_weight == pair_weight
    assert settings.epsilon == epsilon


def test_generation_three_is_the_default():
    assert settings_of("HO", SMALL_MBP) == settings_of("HO", SMALL_MBP, generation=3)


def test_bp_has_its_true_length():
    """ns N_R N_eta + ns (ns + 1) / 2 N_eta_ang N_zeta 2; not ns instead of pairs."""
    numbers = SMALL_BP | {
        "rsn_rad": 16, "eta_rad": (1.0,), "eta_ang": (0.1, 0.2, 0.3),
        "zeta": (1.0, 2.0, 4.0),
    }  # fmt: skip
    assert settings_of("HCNO", numbers, kind="BP").n_features == 64 + 10 * 18 == 244


def test_bp_multiplies_its_lists_and_inherits_the_angular_numbers():
    numbers = {k: v for k, v in SMALL_BP.items() if k not in ("rc_ang", "eta_ang")}
    settings = settings_of("HO", numbers, kind="BP")
    assert settings.radial_etas == (0.3, 0.3, 1.5, 1.5)
    assert settings.radial_centres == (0.0, 2.3, 0.0, 2.3)
    assert settings.r_cut_angular == settings.r_cut_radial == 4.6
    assert settings.angular_etas == (0.3, 1.5)
    assert settings.thetas == (0.0, np.pi, 0.0, np.pi)
    assert settings.zetas == (1.0, 1.0, 4.0, 4.0)


@pytest.mark.parametrize("kind", ["mBP", "BP"])
def test_stored_settings_come_back_exactly(kind):
    numbers = {"mBP": SMALL_MBP | {"cosine_scale": 0.95}, "BP": SMALL_BP}[kind]
    numbers = numbers | {"gvect_parameters_unit": "bohr", "radial_prefactor": 0.25}
    settings = settings_of("HO", numbers, kind=kind)
    text = json.dumps(settings.to_dict())
    assert DescriptorSettings.from_dict(json.loads(text)) == settings


def test_stored_settings_of_another_version_are_refused():
    stored = settings_of("HO", SMALL_MBP).to_dict()
    stored["shape"] = stored.pop("zetas")
    with pytest.raises(InputError, match="missing zetas, unknown shape"):
        DescriptorSettings.from_dict(stored)


def test_names_follow_the_order_of_the_components():
    names = settings_of("HO", SMALL_MBP | {"zeta": (5.0, 6.0, 7.5)}).feature_names()
    assert len(names) == 2 * 3 + 3 * 2 * 3 == len(set(names))
    assert names[3] == "radial O eta=3 R=0.5"
    assert names[6] == "angular H-H eta=2 R=0.4 theta=30 zeta=5"
    assert names[8] == "angular H-H eta=2 R=0.4 theta=150 zeta=7.5"
    assert names[6 + 6 + 3] == "angular H-O eta=2 R=1.75 theta=30 zeta=5"


def test_settings_with_equal_constants_are_equal_and_hash_alike():
    a, b = settings_of("HO", SMALL_MBP), settings_of("HO", SMALL_MBP)
    assert a == b
    assert hash(a) == hash(b)
    assert a != replace(a, epsilon=0.0)


@pytest.mark.parametrize(
    ("key", "values", "expected"),
    [
        ("eta_rad", (1.0, 2.0), "eta_rad = 1, 2: expected 1 value or 3"),
        ("eta_ang", (1.0, 2.0, 3.0), "eta_ang = 1, 2, 3: expected 1 value or 2"),
        ("zeta", (1.0, 2.0), "zeta = 1, 2: expected 1 value or 3"),
    ],
)
def test_a_list_that_fits_no_number_of_functions_is_refused(key, values, expected):
    assert expected in problems_of(SMALL_MBP | {key: values})


def test_all_problems_are_told_at_once():
    numbers = SMALL_MBP | {
        "rc_rad": None, "rsn_ang": None, "eta_ang": -1.0, "zeta": 0.0,
        "cosine_scale": 1.1,
    }  # fmt: skip
    text = problems_of(numbers, generation=7)
    for expected in (
        "[SYMMETRY_FUNCTION] mbp_generation = 7: expected one of 0, 1, 2, 3.",
        "[GVECT_PARAMETERS] Rc_rad is not set: expected a length.",
        "[GVECT_PARAMETERS] RsN_ang is not set: expected an integer of 1 or more.",
        "[GVECT_PARAMETERS] eta_ang = -1: expected no negative value.",
        "[GVECT_PARAMETERS] zeta = 0: expected only values above 0.",
        "[GVECT_PARAMETERS] cosine_scale = 1.1: expected a number above 0, at most 1.",
    ):
        assert expected in text


def test_unknown_type_and_species_are_refused():
    assert "type = G5: expected one of mBP, BP" in problems_of(SMALL_MBP, kind="G5")
    with pytest.raises(InputError, match="species = H, Xx: expected a comma list"):
        settings_of(("H", "Xx"), SMALL_MBP)
    with pytest.raises(InputError, match="species = H, H: expected a comma list"):
        settings_of(("H", "H"), SMALL_MBP)


def test_a_problem_names_its_place_in_the_file():
    class Source:
        def where(self, section, key):
            return "gvect.ini:12"

    config = configuration("HO", SMALL_MBP | {"rc_ang": 0.0})
    config.source = Source()
    with pytest.raises(InputError, match=r"gvect\.ini:12: \[GVECT_PARAMETERS\] Rc_ang"):
        descriptor_settings(config)
