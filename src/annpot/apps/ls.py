"""app_ls: what files and folders are, with their settings and numbers."""

from annpot.apps.command import exit_code_of, make_parser

NAME = "app_ls"


def main(argv=None):
    """Entry point of app_ls."""
    parser = make_parser(
        NAME,
        "Show what files and folders are, with their settings and numbers.",
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="file or folder")
    parser.add_argument("--json", action="store_true", help="print one JSON list")
    parser.add_argument(
        "--settings",
        action="store_true",
        help="print the INI text of the run that made it",
    )
    arguments = vars(parser.parse_args(argv))
    debug = arguments.pop("debug")
    return exit_code_of(NAME, lambda: _run(**arguments), debug)


def _run(paths, json, settings):
    from annpot.errors import InputError

    sheets, problems = _read(paths)
    if json:
        _print_json(sheets)
    else:
        _show(sheets, settings)
    problems += [
        f"{sheet.path}: {sheet.kind}, none that annpot knows."
        for sheet in sheets
        if not sheet.is_known
    ]
    if problems:
        raise InputError(problems)


def _read(paths):
    """(Sheets, problems) of all paths."""
    from annpot.errors import InputError
    from annpot.inspection.recognise import sheets

    found, problems = [], []
    for path in paths:
        try:
            found += sheets(path)
        except InputError as error:
            problems += error.problems
    return found, problems


def _show(sheets, with_settings):
    from annpot.apps.sheet_tables import show_sheet

    for number, sheet in enumerate(sheets):
        if number:
            print()
        show_sheet(sheet, with_settings)


def _print_json(sheets):
    import json

    print(json.dumps([sheet.to_dict() for sheet in sheets], indent=1, allow_nan=False))
