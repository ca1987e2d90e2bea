"""The rooms of doc/architecture.md, and what keeps modules small and quiet."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "annpot"
MODULES = sorted(PACKAGE.rglob("*.py"))
LONGEST_MODULE = 300
LONGEST_TRAINER = 149
NAMES_THAT_SAY_NOTHING = {"utils", "helpers", "common", "core", "manager", "tools"}
MAY_PRINT = {"apps", "progress"}
GIVEN_BY_THE_PACKAGE = {"deploy"}  # annpot.AnnpotCalculator, when it is asked for
N_COMMANDS = 9
WITHOUT_INI = {"lammps", "stages", "ls", "set"}  # commands that need more than -c INI
SLOW_TO_IMPORT = ["numpy", "ase", "numba", "tensorflow", "keras", "matplotlib", "rich"]
NEEDS_TENSORFLOW = re.compile(
    r"training\.(?!data_checks|order|batch|plan|loss_settings|trace|metrics$|cuts|feed"
    r"|force_feed|force_targets|placing|geometry|neighbor_store|stored_blocks|open_data"
    r"|derivative_parts|derivative_choice|interruption|limits|progress)"
    r"|networks\.(element_network|potential)"
    r"|stages\.run|stages\.plan_keeper"
    r"|apps\.training_(screen|progress)"
)

every_module = pytest.mark.parametrize(
    "path", MODULES, ids=lambda path: dotted(path) or "annpot"
)


def dotted(path):
    """training/step.py -> training.step"""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def room_of(module):
    """training.step -> training"""
    return module.split(".")[0]


def rooms():
    """{room: rooms it may import} as the table of doc/architecture.md says."""
    text = (ROOT / "doc" / "architecture.md").read_text()
    rows = re.findall(r"^\| (`.+?) \| .+? \| (.+) \|$", text, re.M)
    table = {}
    for names, allowed in rows:
        own = re.findall(r"`(\w+)`", names)
        for room in own:
            table[room] = {*own, *re.findall(r"`(\w+)`", allowed)}
    every = set(table)
    table["apps"] = every
    return table


ROOMS = rooms()


def imported(tree):
    """Dotted annpot modules that a module imports anywhere, without `annpot.`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "annpot":
            names = [f"annpot.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            names = [node.module]
        else:
            continue
        yield from (n.removeprefix("annpot.") for n in names if n.startswith("annpot."))


def test_the_table_names_every_room():
    there = {room_of(dotted(path)) for path in MODULES} - {""}
    assert set(ROOMS) == there


@every_module
def test_a_room_imports_only_what_the_table_lets_it(path):
    module = dotted(path)
    tree = ast.parse(path.read_text())
    known = {room_of(name) for name in imported(tree)} - {"__version__"}
    allowed = ROOMS[room_of(module)] if module else GIVEN_BY_THE_PACKAGE
    assert known <= allowed, f"{module} may import {sorted(allowed)} only"


@every_module
def test_a_module_says_what_it_is_about(path):
    assert not NAMES_THAT_SAY_NOTHING & set(dotted(path).split("."))
    n_lines = len(path.read_text().splitlines())
    longest = LONGEST_TRAINER if path.name == "trainer.py" else LONGEST_MODULE
    assert n_lines <= longest, "say it shorter, or find the second idea in it"


@every_module
def test_everything_public_has_a_docstring(path):
    tree = ast.parse(path.read_text())
    missing = [name for name, node in public(tree) if not ast.get_docstring(node)]
    assert not missing
    assert ast.get_docstring(tree) or not tree.body


def public(node, prefix=""):
    """(name, node) of public functions, classes and methods."""
    for child in node.body:
        is_named = isinstance(child, ast.FunctionDef | ast.ClassDef)
        if is_named and not child.name.startswith("_"):
            yield prefix + child.name, child
            if isinstance(child, ast.ClassDef):
                yield from public(child, f"{prefix}{child.name}.")


@every_module
def test_only_apps_print(path):
    calls = [
        n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)
    ]
    printing = [n.lineno for n in calls if getattr(n.func, "id", None) == "print"]
    assert not printing or room_of(dotted(path)) in MAY_PRINT


def slow_imports_of(code):
    """Which slow packages a fresh interpreter has imported after some code."""
    code += f"\nimport sys\nprint([n for n in {SLOW_TO_IMPORT} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return ast.literal_eval(done.stdout.splitlines()[-1])


def run_every_command(arguments, exit_code, without=()):
    """Code that runs the commands with the same arguments."""
    names = re.findall(r"= annpot\.apps\.(\w+):main", (ROOT / "setup.py").read_text())
    assert len(names) == N_COMMANDS
    names = [name for name in names if name not in without]
    return f"""
import importlib
for name in {names}:
    try:
        found = importlib.import_module("annpot.apps." + name).main({arguments})
    except SystemExit as stop:
        found = stop.code
    assert found == {exit_code}, name
"""


def test_help_imports_nothing_slow():
    assert slow_imports_of(run_every_command(["--help"], 0)) == []


def test_a_wrong_ini_file_is_told_before_anything_slow(tmp_path):
    wrong = tmp_path / "wrong.ini"
    wrong.write_text("[IO_INFORMATION]\nnonsense = 1\n")
    found = slow_imports_of(run_every_command(["-c", str(wrong)], 2, WITHOUT_INI))
    assert set(found) <= {"numpy"}


def test_only_what_trains_imports_tensorflow_at_once():
    modules = [dotted(path) for path in MODULES if dotted(path)]
    light = [name for name in modules if not NEEDS_TENSORFLOW.match(name)]
    assert len(light) < len(modules)
    code = "\n".join(f"import annpot.{name}" for name in light)
    found = set(slow_imports_of(code))
    assert not found & {"tensorflow", "keras", "matplotlib"}


def test_beside_the_plugin_lie_its_sources_alone():
    folder = PACKAGE / "deploy" / "lammps" / "sources"
    found = {path.suffix for path in folder.iterdir() if path.name[0] != "."}
    assert found == {".cpp", ".h"}
