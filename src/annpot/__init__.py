"""annpot: per-element neural network potentials, trained from an INI file."""

__version__ = "0.1.0"
