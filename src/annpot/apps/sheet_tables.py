"""Sheets of files and folders for the terminal."""

from annpot.result_tables import show

SAID_ELSEWHERE = ("mbp_generation", "mbp_generation_source")  # by `descriptor`


def show_sheet(sheet, with_settings):
    """Print a Sheet: facts, tables, notes and, if asked for, the settings.

    Args:
        sheet: `annpot.inspection.sheet.Sheet`.
        with_settings: whether to print its INI text instead of all else.
    """
    if with_settings:
        print(sheet.settings or f"# {sheet.path}: {sheet.kind}; it holds no settings.")
        return
    print(f"{sheet.path}: {sheet.kind}")
    show(_facts_table(sheet.facts))
    for listing in sheet.tables:
        if listing.rows:
            show(_listing_table(listing))
    for note in sheet.notes:
        print(f"note: {note}")


def _facts_table(facts):
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for name, value in facts.items():
        if value is not None and name not in SAID_ELSEWHERE:
            table.add_row(name.replace("_", " "), Text(shown(value)))
    return table


def _listing_table(listing):
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=Text(listing.title),
        title_justify="left",
        box=box.SIMPLE,
        min_width=len(listing.title) + 1,
    )
    for number, name in enumerate(listing.columns):
        values = [row[number] for row in listing.rows]
        is_number = all(isinstance(v, int | float | None) for v in values)
        side = "right" if is_number else "left"
        table.add_column(Text(name.replace("_", " ")), justify=side, no_wrap=True)
    for row in listing.rows:
        table.add_row(*(Text("-" if v is None else shown(v)) for v in row))
    return table


def shown(value):
    """A JSON-able value as a text of one line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.9g}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {shown(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return _listed(value)
    return str(value)


def _listed(values):
    """A range as `a to b`, rows of changes one after the other, else a comma list."""
    if len(values) == 2 and all(type(value) is float for value in values):
        return f"{shown(values[0])} to {shown(values[1])}"
    return ", ".join(map(shown, values)) or "none"
