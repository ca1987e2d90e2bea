"""A trained potential as it is deployed: descriptor, networks, and what they have seen.

Everything that molecular dynamics needs, and nothing of the training.
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from annpot.descriptors.definition import DescriptorSettings
from annpot.forces.prediction import StructurePotential
from annpot.models.golden import GoldenStructure
from annpot.networks.architecture import LayerWeights, NetworkSpec

# Descriptors may have been stored in float32: this part of a bound (at least of 1) is
# rounding, not another environment.
RANGE_MARGIN = 1e-6


@dataclass(frozen=True, eq=False)
class DescriptorRange:
    """Where the descriptors of one element lay in training.

    Attributes:
        minimum, maximum: (n_features,) float64, over the atoms trained on.
        n_atoms: number of these atoms.
    """

    minimum: np.ndarray
    maximum: np.ndarray
    n_atoms: int

    @cached_property
    def bounds(self):
        """(lower, upper), each (n_features,), beyond which a model extrapolates.

        lower = minimum - m, upper = maximum + m, m = 1e-6 max(1, |bound|)
        """
        low, high = (
            RANGE_MARGIN * np.maximum(1.0, np.abs(values))
            for values in (self.minimum, self.maximum)
        )
        return self.minimum - low, self.maximum + high


@dataclass(frozen=True, eq=False)
class Model:
    """A potential with everything that a simulation needs of it.

    Attributes:
        settings: DescriptorSettings; its species are the elements of `specs`.
        specs: NetworkSpec of each element, with offsets in eV.
        weights: {element: LayerWeights of each layer}, in the precision of training.
        ranges: {element: DescriptorRange}; without an element whose range is unknown.
        mbp_generation: 0 to 3 of mBP; None for other descriptors.
        golden: GoldenStructure, ... that the model can test itself with.
        training: where the model comes from, see `model.json` in doc/formats.md.
        folder: where it was read, None of one in memory.
    """

    settings: DescriptorSettings
    specs: tuple[NetworkSpec, ...]
    weights: dict[str, tuple[LayerWeights, ...]]
    ranges: dict[str, DescriptorRange] = field(default_factory=dict)
    mbp_generation: int | None = None
    golden: tuple[GoldenStructure, ...] = ()
    training: dict = field(default_factory=dict)
    folder: Path | None = None

    @cached_property
    def potential(self):
        """StructurePotential of the model, in float64."""
        return StructurePotential(self.settings, self.specs, self.weights)
