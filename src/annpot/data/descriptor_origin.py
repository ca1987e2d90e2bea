"""How the descriptors of a data set were made, as far as it is known."""

import json
from dataclasses import asdict, dataclass, fields, replace

from annpot.errors import InputError

ASSUMED_GENERATION = 3  # of files that do not say which mBP they hold


def _is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_list_of(kind, value):
    return isinstance(value, list) and all(isinstance(one, kind) for one in value)


_VALID = {  # key of dataset.json -> whether a value can be one
    "species": lambda value: value is None or _is_list_of(str, value),
    "g_size": _is_count,
    "descriptor": lambda value: isinstance(value, dict | None),
    "mbp_generation": lambda value: value is None or _is_count(value),
    "mbp_generation_source": lambda value: isinstance(value, str | None),
    "pbc_override": lambda value: (
        value is None or (_is_list_of(bool, value) and len(value) == 3)
    ),
    "per_atom_energy": lambda value: isinstance(value, bool),
    "derivatives": lambda value: value in (None, "dense", "sparse"),
}


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
        derivatives: "dense" or "sparse" when derivatives and forces were stored.
    """

    species: tuple[str, ...] | None
    g_size: int
    descriptor: dict | None = None
    mbp_generation: int | None = None
    mbp_generation_source: str | None = None
    pbc_override: tuple[bool, bool, bool] | None = None
    per_atom_energy: bool = False
    derivatives: str | None = None

    @classmethod
    def of_settings(cls, settings, generation, pbc_override=None):
        """Origin of descriptors that are made of structures by these settings.

        Args:
            settings: DescriptorSettings.
            generation: of mBP, as the settings' INI file says.
            pbc_override: periodicity that replaces the structures' own, or None.
        """
        is_modified = settings.kind == "mBP"
        return cls(
            species=settings.species,
            g_size=settings.n_features,
            descriptor=settings.to_dict(),
            mbp_generation=generation if is_modified else None,
            mbp_generation_source="stated" if is_modified else None,
            pbc_override=pbc_override,
        )

    @classmethod
    def of_foreign_files(cls, species, g_size, generation=None):
        """Origin of files without dataset.json.

        Args:
            species: ordered symbols, or None when nobody says.
            g_size: number of descriptor components of an atom.
            generation: what the INI file states; None assumes ASSUMED_GENERATION.
        """
        return cls(
            species=species,
            g_size=g_size,
            mbp_generation=ASSUMED_GENERATION if generation is None else generation,
            mbp_generation_source="assumed" if generation is None else "stated",
        )

    def with_generation(self, generation, where):
        """The same origin with the generation that an INI file states.

        Args:
            generation: 0 to 3, or None when the INI file says nothing.
            where: file and line of the key, for the message.

        Raises:
            InputError: the data themselves state another generation.
        """
        if generation is None:
            return self
        is_stated = self.mbp_generation_source != "assumed"
        if is_stated and generation != self.mbp_generation:
            raise InputError(
                f"{where}: mbp_generation = {generation}, but the descriptors were "
                f"made with {self.mbp_generation}. Remove the key, or compute the "
                "descriptors again."
            )
        return replace(self, mbp_generation=generation, mbp_generation_source="stated")

    def to_dict(self):
        """The same as an object for JSON; without `derivatives` where there are none.

        So the fingerprint of a data set stays what it was before derivatives existed.
        """
        content = json.loads(json.dumps(asdict(self)))
        if self.derivatives is None:
            del content["derivatives"]
        return content

    @classmethod
    def from_dict(cls, content):
        """The inverse of `to_dict`; other keys are ignored.

        Raises:
            KeyError, ValueError: a key is missing or its value has a wrong type.
        """
        known = {"derivatives": None, **content}
        values = {one.name: known[one.name] for one in fields(cls)}
        for name, value in values.items():
            if not _VALID[name](value):
                raise ValueError(f"{name} = {str(value)[:60]}")
        for name in ("species", "pbc_override"):
            if values[name] is not None:
                values[name] = tuple(values[name])
        return cls(**values)
