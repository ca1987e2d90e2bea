"""The documents keep their promises: links lead somewhere, README commands run."""

import re
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from reference.lammps_plugin import plugin

ROOT = Path(__file__).parents[1]
FOLDERS = (".", "doc", "tutorial_data", "tutorial_data/silicon", "benchmarks")
DOCUMENTS = sorted(path for folder in FOLDERS for path in ROOT.glob(f"{folder}/*.md"))
# Places on somebody's machine, and where packages are fetched from.
FOREIGN = re.compile(
    r"(?<![\w.])/(?:work|root|home)/|/tmp/\w|pypi[.]org|python[h]osted|index[-]url"
)
SHORTER = (
    (r"^steps_per_epoch = \d+", "steps_per_epoch = 10"),
    (r"^max_epochs = \d+", "max_epochs = 2"),
    (r"^(warmup|schedule_hold) = \d+", r"\1 = 2"),
)
WRITTEN_BY_README = """\
tutorial_bin/CH4_0000.bin
tutorial_bin/dataset.json
tutorial_tfr/train-10-10.tfrecord
tutorial_train/_models/epoch_2_step_20.index
tutorial_train/metrics.dat
tutorial_eval/epoch_2_step_20.dat
tutorial_eval/epoch_2_step_20_parity.png
tutorial_weights/networks_metadata.json
tutorial_train2/_models/epoch_2_step_20.index
tutorial_train_force/_models/epoch_2_step_20.index
tutorial_eval_force/epoch_2_step_20_forces.dat
tutorial_eval_force/epoch_2_step_20_forces_parity.png
tutorial_model/model.json
"""
WRITTEN_BY_FORCE_TUTORIAL = """\
tutorial_train_force/metrics.dat
tutorial_eval_force/epoch_2_step_20_forces.dat
tutorial_tfr_dense/validate/train-10-10.tfrecord
tutorial_train_force_dense/metrics.dat
tutorial_train_force_sparse/metrics.dat
tutorial_train_force_long/metrics.dat
tutorial_train_silicon/metrics.dat
tutorial_eval_silicon/epoch_2_step_20_virial.dat
"""
WRITTEN_BY_DYNAMICS_TUTORIAL = """\
tutorial_model/golden.json
tutorial_model_silicon/golden.json
tutorial_md/water_lammps_nvt.csv
tutorial_md/silicon_ase_nvt.csv
tutorial_md/energy_conservation.png
"""
SHORTER_DYNAMICS = (
    (r"^run \d+", "run 160"),
    (r"^PICOSECONDS, LINES = .*", "PICOSECONDS, LINES = 0.04, 2"),
)
WRITTEN_BY_STAGES_TUTORIAL = """\
tutorial_train_stages/stages/heavy_atoms/_models/epoch_2_step_20.index
tutorial_train_stages/stages/polish/history.csv
tutorial_train_stages/stages/convergence.png
tutorial_train_stages/stages/plan.ini
"""


def anchors(path):
    """Names of a document's headings, as links spell them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", h).lower().replace(" ", "-") for h in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(document):
    text = document.read_text()
    links = re.findall(r"\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"", text)
    for target in (first or second for first, second in links):
        if re.match(r"https?:", target):
            continue
        name, _, anchor = target.partition("#")
        path = document.parent / name if name else document
        assert path.exists(), f"{document.name}: {target}"
        assert not anchor or anchor in anchors(path), f"{document.name}: {target}"


def test_ini_files_in_the_tutorials_are_the_shipped_ones():
    shipped = "\n".join(path.read_text() for path in ROOT.glob("input_files/*.ini"))
    known = set(shipped.splitlines())
    for document in ROOT.glob("doc/tutorial_*.md"):
        blocks = re.findall(r"^```ini\n(.*?)^```", document.read_text(), re.M | re.S)
        assert blocks
        other = [line for line in "".join(blocks).splitlines() if line not in known]
        assert not other, document.name


def shortened_copy(folder):
    """The project's data and INI files in a folder, with two epochs of ten steps."""
    for data in ("train", "validate", "test", "forces", "silicon"):
        path = Path("tutorial_data") / data
        shutil.copytree(ROOT / path, folder / path)
    structures = folder / "tutorial_data" / "structures"
    structures.mkdir()
    shutil.copy(ROOT / "tutorial_data/structures/train_validate.xyz", structures)
    shutil.copy(ROOT / "tutorial_data/derivative_records.py", structures.parent)
    (folder / "input_files").mkdir()
    for path in (ROOT / "input_files").glob("*.ini"):
        text = path.read_text()
        for long, short in SHORTER:
            text = re.sub(long, short, text, flags=re.M)
        (folder / "input_files" / path.name).write_text(text)


def run(command, *arguments):
    """Run a command of annpot in this process."""
    (entry,) = entry_points(group="console_scripts", name=command)
    assert entry.load()(list(arguments)) == 0, f"{command} {' '.join(arguments)}"


def test_readme_commands_run_one_after_the_other(tmp_path, monkeypatch):
    shortened_copy(tmp_path)
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "README.md").read_text()
    commands = re.findall(r"^(app_\w+) +-c (\S+)", text, re.M)
    assert len(commands) == 11
    for command, ini in commands:
        run(command, "-c", ini)
    for name in WRITTEN_BY_README.split():
        assert (tmp_path / name).exists(), name


@pytest.mark.slow
def test_commands_of_the_force_tutorial_run_one_after_the_other(tmp_path, monkeypatch):
    shortened_copy(tmp_path)
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "doc/tutorial_3_forces.md").read_text()
    commands = re.findall(r"^    (app_\w+|python) +(?:-c )?(\S+)$", text, re.M)
    assert len(commands) == 8
    for command, argument in commands:
        if command == "python":
            subprocess.run([sys.executable, argument], check=True)
        else:
            run(command, "-c", argument)
    for name in WRITTEN_BY_FORCE_TUTORIAL.split():
        assert (tmp_path / name).exists(), name


@pytest.mark.slow
def test_commands_of_the_dynamics_tutorial_run_one_after_the_other(
    tmp_path, monkeypatch
):
    plugin()
    shortened_copy(tmp_path)
    (tmp_path / "input_files/md").mkdir()
    for path in (ROOT / "input_files/md").iterdir():
        text = path.read_text()
        for long, short in SHORTER_DYNAMICS:
            text = re.sub(long, short, text, flags=re.M)
        (tmp_path / "input_files/md" / path.name).write_text(text)
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "doc/tutorial_4_molecular_dynamics.md").read_text()
    commands = re.findall(r"^    (app_\w+|python) (.+)$", text, re.M)
    assert len(commands) == 12
    for command, arguments in commands:
        if command == "python":
            subprocess.run([sys.executable, *arguments.split()], check=True)
        else:
            run(command, *arguments.split())
    for name in WRITTEN_BY_DYNAMICS_TUTORIAL.split():
        assert (tmp_path / name).exists(), name


@pytest.mark.slow
def test_commands_of_the_stages_tutorial_run_one_after_the_other(tmp_path, monkeypatch):
    shortened_copy(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "more_stages.ini").write_text("[STAGE:more]\nparent = polish\n")
    text = (ROOT / "doc/tutorial_5_stages.md").read_text()
    commands = re.findall(r"^    (app_\w+) (.+)$", text, re.M)
    assert len(commands) == 9
    for command, arguments in commands:
        answer = ["--yes"] if " clean " in f" {arguments}" else []
        shorter = arguments.replace("epoch_10_step_1000", "epoch_2_step_20")
        run(command, *shorter.split(), *answer)
        if "plot" in arguments:
            for name in WRITTEN_BY_STAGES_TUTORIAL.split():
                assert (tmp_path / name).exists(), name


def tracked_text_files():
    """Files of the repository that are text."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout of the repository")
    command = ["git", "grep", "-I", "--name-only", "-z", ""]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in done.stdout.split("\0") if name]


def test_no_file_speaks_of_a_certain_machine():
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in tracked_text_files()
        if path.suffix not in (".xyz", ".example")
        for line in path.read_text().splitlines()
        if FOREIGN.search(line)
    ]
    assert not found
