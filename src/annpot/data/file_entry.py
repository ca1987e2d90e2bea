"""What dataset.json records of one file."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FileEntry:
    """One file of the folder.

    Attributes:
        name: of the file.
        n_records, n_bytes: number of records and bytes.
        sha256: of the content.
        structure: sha256 of the structure a `.bin` was computed from, see
            `annpot.structures.structure_hash`; None where it is not known.
    """

    name: str
    n_records: int
    n_bytes: int
    sha256: str
    structure: str | None = None

    def to_dict(self):
        """The same as an object for JSON, without what is not known."""
        return {key: value for key, value in vars(self).items() if value is not None}

    @classmethod
    def from_dict(cls, content):
        """The inverse of `to_dict`; ValueError or TypeError for a wrong type."""
        entry = cls(**content)
        texts = (entry.name, entry.sha256, entry.structure or "")
        is_valid = all(isinstance(text, str) for text in texts) and all(
            isinstance(count, int) and count >= 0
            for count in (entry.n_records, entry.n_bytes)
        )
        if not is_valid or "/" in entry.name or "\0" in entry.name:
            raise ValueError(f"files: {str(content)[:80]}")
        return entry
