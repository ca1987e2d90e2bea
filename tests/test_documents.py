"""The documents keep their promises: links lead somewhere, README commands run."""

import re
import shutil
import subprocess
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = (".", "doc", "tutorial_data", "tutorial_data/silicon", "benchmarks")
DOCUMENTS = sorted(path for folder in FOLDERS for path in ROOT.glob(f"{folder}/*.md"))
# Places on somebody's machine, and where packages are fetched from.
FOREIGN = re.compile(
    r"(?<![\w.])/(?:work|root|home)/|/tmp/\w|pypi[.]org|python[h]osted|index[-]url"
)
SHORTER = (
    ("steps_per_epoch = 100", "steps_per_epoch = 10"),
    ("max_epochs = 10", "max_epochs = 2"),
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


def readme_commands():
    """[(command, INI file)] of the README, in order."""
    text = (ROOT / "README.md").read_text()
    return re.findall(r"^(app_\w+) +-c (\S+)", text, re.M)


def test_readme_commands_run_one_after_the_other(tmp_path, monkeypatch):
    """With two epochs of ten steps; everything else as shipped."""
    for folder in ("train", "validate", "test"):
        data = Path("tutorial_data") / folder
        shutil.copytree(ROOT / data, tmp_path / data)
    structures = tmp_path / "tutorial_data" / "structures"
    structures.mkdir()
    shutil.copy(ROOT / "tutorial_data/structures/train_validate.xyz", structures)
    (tmp_path / "input_files").mkdir()
    for path in (ROOT / "input_files").glob("*.ini"):
        text = path.read_text()
        for long, short in SHORTER:
            text = text.replace(long, short)
        (tmp_path / "input_files" / path.name).write_text(text)
    monkeypatch.chdir(tmp_path)
    commands = readme_commands()
    assert len(commands) == 6
    for command, ini in commands:
        (entry,) = entry_points(group="console_scripts", name=command)
        assert entry.load()(["-c", ini]) == 0, f"{command} -c {ini}"
    for name in WRITTEN_BY_README.split():
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
