"""What is told about one file or folder."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Listing:
    """A table.

    Attributes:
        title: what the rows are.
        columns: names of the columns.
        rows: tuples of JSON-able values, one for each column.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple, ...]


@dataclass(frozen=True)
class Sheet:
    """What is told about one file or folder.

    Attributes:
        path: as the user named it.
        kind: what it is, in words.
        facts: {name: JSON-able value}, in the order to show; None is not shown.
        tables: Listings.
        notes: sentences about what is unusual.
        settings: INI text of the run that made it, or None.
        is_known: whether it is something of annpot or PANNA.
    """

    path: str
    kind: str
    facts: dict
    tables: tuple[Listing, ...] = ()
    notes: tuple[str, ...] = ()
    settings: str | None = None
    is_known: bool = True

    def to_dict(self):
        """The same as an object for JSON."""
        return {
            "path": self.path,
            "kind": self.kind,
            "facts": {k: v for k, v in self.facts.items() if v is not None},
            "tables": {
                table.title: [
                    dict(zip(table.columns, row, strict=True)) for row in table.rows
                ]
                for table in self.tables
            },
            "notes": list(self.notes),
            "settings": self.settings,
        }


def changes_listing(changes):
    """Tuple with the Listing of a log of changes; empty without changes.

    Args:
        changes: list of objects with `time`, `key`, `old`, `new`, or anything else.
    """
    known = changes if isinstance(changes, list) else []
    columns = ("time", "key", "old", "new")
    rows = [tuple(map(one.get, columns)) for one in known if isinstance(one, dict)]
    return (Listing("changes", columns, tuple(rows)),) if rows else ()
