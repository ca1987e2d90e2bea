"""How the descriptors of a data set were made, as far as it is known."""

import json
from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True)
class DescriptorOrigin:
    """How descriptors were made.

    Attributes:
        species: ordered symbols behind the species indices; None when the files
            came from elsewhere and do not say.
        g_size: number of descriptor components of an atom.
        descriptor: all expanded parameters (DescriptorSettings.to_dict()), or None.
        mbp_generation: 0 to 3 for the modified Behler-Parrinello descriptor.
        mbp_generation_source: "stated" by the settings, "assumed" otherwise.
        pbc_override: periodicity that replaced the structures' own, or None.
        per_atom_energy: whether energies of single atoms were stored.
    """

    species: tuple[str, ...] | None
    g_size: int
    descriptor: dict | None = None
    mbp_generation: int | None = None
    mbp_generation_source: str | None = None
    pbc_override: tuple[bool, bool, bool] | None = None
    per_atom_energy: bool = False

    def to_dict(self):
        """The same as an object for JSON."""
        return json.loads(json.dumps(asdict(self)))

    @classmethod
    def from_dict(cls, content):
        """The inverse of `to_dict`; other keys are ignored."""
        values = {one.name: content[one.name] for one in fields(cls)}
        for name in ("species", "pbc_override"):
            if values[name] is not None:
                values[name] = tuple(values[name])
        return cls(**values)
