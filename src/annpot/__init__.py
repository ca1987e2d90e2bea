"""annpot: per-element neural network potentials, trained from an INI file."""

__version__ = "0.1.0"


def __getattr__(name):
    """`AnnpotCalculator`, imported when it is first asked for."""
    if name == "AnnpotCalculator":
        from annpot.deploy.ase_calculator import AnnpotCalculator

        return AnnpotCalculator
    raise AttributeError(f"module 'annpot' has no attribute {name!r}")
