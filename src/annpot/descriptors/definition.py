"""What a descriptor is made of: its constants and the order of its components.

Everything that distinguishes the four published generations of the modified
Behler-Parrinello descriptor, the ANI variant and the original Behler-Parrinello
functions is a constant here, so the kernels know none of these names.
"""

from dataclasses import asdict, dataclass, fields

import numpy as np

from annpot.errors import InputError

KINDS = ("mBP", "BP")
COLLINEAR = 1e-20  # sin^2 of an angle that counts as 0 or 180 degrees: 1e-10 radian


@dataclass(frozen=True)
class DescriptorSettings:
    """Constants of a descriptor; hashable, equal when all constants are equal.

    Radial functions, for each species of the neighbour:
        G = radial_prefactor sum_j exp(-eta (r_ij - R)^2) f_c(r_ij; r_cut_radial)
    Angular functions, for each unordered pair of neighbour species, each radial
    part (eta, R) and each angular part (theta_s, zeta):
        G = w sum_{j<k} 2 x^zeta h f_c(r_ij) f_c(r_ik), f_c with r_cut_angular,
        x = (1 + c cos(theta_s) + sin(theta_s) sqrt(1 - c^2 + e)) / (1 + sqrt(1 + e)),
        c = cosine_scale cos(theta_ijk), e = epsilon sin(theta_s)^2,
        w = pair_weight if j and k are of one species, else 1.
    mBP: h = exp(-eta ((r_ij + r_ik) / 2 - R)^2).
    BP:  h = exp(-eta (r_ij^2 + r_ik^2 + r_jk^2)) f_c(r_jk), and theta_s = 0 or pi,
        epsilon = 0, which makes x = (1 +- cos(theta_ijk)) / 2.

    Attributes:
        kind: "mBP" or "BP".
        species: symbols, in the order that numbers them.
        r_cut_radial, r_cut_angular: cutoff radii, angstrom.
        radial_etas, radial_centres: one entry per radial function, 1/angstrom^2
            and angstrom.
        angular_etas, angular_centres: one entry per radial part, same units; the
            centres of BP are 0 and not used.
        thetas, zetas: one entry per angular part; radian and dimensionless.
        epsilon, pair_weight, cosine_scale, radial_prefactor: see above.
    """

    kind: str
    species: tuple[str, ...]
    r_cut_radial: float
    r_cut_angular: float
    radial_etas: tuple[float, ...]
    radial_centres: tuple[float, ...]
    angular_etas: tuple[float, ...]
    angular_centres: tuple[float, ...]
    thetas: tuple[float, ...]
    zetas: tuple[float, ...]
    epsilon: float = 0.0
    pair_weight: float = 1.0
    cosine_scale: float = 1.0
    radial_prefactor: float = 1.0

    @property
    def r_cut(self):
        """Distance beyond which no atom matters, angstrom."""
        return max(self.r_cut_radial, self.r_cut_angular)

    @property
    def has_kinks(self):
        """Whether x^zeta has no derivative where i, j and k are collinear.

        Without smoothing x turns sharply there, as the absolute value of the angle
        does, unless theta_s is 0 or pi; up to zeta = 1/2 the power does too.
        """
        smooth = self.epsilon > 0 or self.cosine_scale < 1
        # The sine of pi in float64 is 1e-16.
        sharp = [abs(np.sin(theta)) > 1e-12 for theta in self.thetas]
        return not smooth and (any(sharp) or min(self.zetas) <= 0.5)

    @property
    def species_pairs(self):
        """Unordered pairs of species indices, in the order of their blocks."""
        n = len(self.species)
        return [(a, b) for a in range(n) for b in range(a, n)]

    @property
    def n_radial_features(self):
        """Number of radial components; they come first."""
        return len(self.species) * len(self.radial_etas)

    @property
    def n_features(self):
        """Length of the descriptor of one atom."""
        per_pair = len(self.angular_etas) * len(self.thetas)
        return self.n_radial_features + len(self.species_pairs) * per_pair

    def feature_names(self):
        """Name of each component, in order.

        Blocks of radial functions by species, then blocks of angular functions by
        species pair (0, 0), (0, 1) ... (1, 1) ...; inside an angular block the
        radial part is the outer index.
        """
        radial = [
            f"radial {symbol} eta={eta:.6g} R={centre:.6g}"
            for symbol in self.species
            for eta, centre in zip(self.radial_etas, self.radial_centres, strict=True)
        ]
        return radial + [
            f"angular {self.species[a]}-{self.species[b]} eta={eta:.6g} R={centre:.6g} "
            f"theta={np.degrees(theta):.6g} zeta={zeta:.6g}"
            for a, b in self.species_pairs
            for eta, centre in zip(self.angular_etas, self.angular_centres, strict=True)
            for theta, zeta in zip(self.thetas, self.zetas, strict=True)
        ]

    def to_dict(self):
        """The constants as a dict that JSON stores exactly."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, stored):
        """The settings that `to_dict` described.

        Raises:
            InputError: a constant is missing or unknown.
        """
        names = {field.name for field in fields(cls)}
        if names != set(stored):
            missing = ", ".join(sorted(names - set(stored))) or "none"
            unknown = ", ".join(sorted(set(stored) - names)) or "none"
            raise InputError(
                f"stored descriptor settings: missing {missing}, unknown {unknown}; "
                f"expected exactly {', '.join(sorted(names))}. The file was written by "
                "another version or damaged; compute the descriptors again."
            )
        return cls(
            **{n: tuple(v) if isinstance(v, list) else v for n, v in stored.items()}
        )
