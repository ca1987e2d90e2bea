"""What dataset.json says of structures, in the place of how descriptors were made."""

from dataclasses import dataclass
from typing import ClassVar

from annpot.data.descriptor_origin import DescriptorOrigin

STRUCTURES, DESCRIPTORS = "structures", "descriptors"


@dataclass(frozen=True)
class StructureOrigin:
    """Records of structures.

    Attributes:
        species: ordered symbols behind the species indices.
    """

    species: tuple[str, ...]
    kind: ClassVar[str] = STRUCTURES
    units: ClassVar[dict] = {"virial": "eV"}  # beside those of all data sets

    def to_dict(self):
        """The same as an object for JSON."""
        return {"kind": self.kind, "species": list(self.species)}

    @classmethod
    def from_dict(cls, content):
        """The inverse of `to_dict`; other keys are ignored.

        Raises:
            KeyError, ValueError: a key is missing or its value has a wrong type.
        """
        species = content["species"]
        if not isinstance(species, list) or not all(
            isinstance(symbol, str) for symbol in species
        ):
            raise ValueError(f"species = {str(species)[:60]}")
        return cls(tuple(species))


def origin_of(content):
    """DescriptorOrigin or StructureOrigin of the content of a dataset.json.

    Raises:
        KeyError, ValueError: a key is missing or has a wrong value.
    """
    kinds = {STRUCTURES: StructureOrigin, DESCRIPTORS: DescriptorOrigin}
    kind = content.get("kind", DESCRIPTORS)
    if kind not in kinds:
        raise ValueError(f"kind = {str(kind)[:60]}, expected {' or '.join(kinds)}")
    return kinds[kind].from_dict(content)
