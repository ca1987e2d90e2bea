"""Numbers of a descriptor as an INI file gives them, without the INI file."""

from types import SimpleNamespace

from annpot.descriptors.settings import descriptor_settings
from annpot.units import CODATA_2022

SMALL_MBP = {
    "rc_rad": 4.6, "rs0_rad": 0.5, "rsn_rad": 3, "eta_rad": 3.0,
    "rc_ang": 3.1, "rs0_ang": 0.4, "rsn_ang": 2, "eta_ang": 2.0,
    "thetasn": 3, "zeta": 5.0,
}  # fmt: skip
TUTORIAL_MBP = {
    "rc_rad": 4.6, "rs0_rad": 0.5, "rsn_rad": 16, "eta_rad": 16.0,
    "rc_ang": 3.1, "rs0_ang": 0.5, "rsn_ang": 4, "eta_ang": 16.0,
    "thetasn": 8, "zeta": 50.0,
}  # fmt: skip
SMALL_BP = {
    "rc_rad": 4.6, "rs0_rad": 0.0, "rsn_rad": 2, "eta_rad": (0.3, 1.5),
    "rc_ang": 3.4, "eta_ang": (0.02, 0.2), "zeta": (1.0, 4.0),
}  # fmt: skip


def configuration(species, numbers, kind="mBP", generation=None):
    """The two sections that descriptor_settings reads."""
    return SimpleNamespace(
        symmetry_function=SimpleNamespace(
            type=kind, species=tuple(species), mbp_generation=generation
        ),
        gvect_parameters=SimpleNamespace(**numbers),
    )


def settings_of(species, numbers, constants=CODATA_2022, **options):
    """DescriptorSettings of `species` (a list, or one-letter symbols as a word)."""
    return descriptor_settings(configuration(species, numbers, **options), constants)
