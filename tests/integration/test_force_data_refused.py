"""app_train on structures and records that cannot be trained on: one message each."""

import json
from dataclasses import replace

import numpy as np
import pytest

from annpot.apps.train import main
from annpot.structures.example_json import write_example
from reference.descriptor_cases import SKEWED, placed
from reference.small_structures import (
    force_ini,
    gvect_ini,
    small_structures,
    write_records,
    write_xyz,
)

STRUCTURES = small_structures(6)
SHORT = {"batch_size": 2, "steps_per_epoch": 1, "max_epochs": 1}
TFR = {"input_format": "tfr", "gvect_ini": None}


@pytest.fixture
def shown(tmp_path, capsys):
    """Function: run app_train on a file; (exit code, output, messages, INI file)."""

    def run(data, validation=None, **sections):
        training = SHORT | sections.pop("TRAINING_PARAMETERS", {})
        ini = force_ini(
            tmp_path, data, validation, TRAINING_PARAMETERS=training, **sections
        )
        code = main(["-c", str(ini)])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return code, captured.out, captured.err.rstrip("\n"), ini

    return run


@pytest.fixture
def refused(shown, tmp_path):
    """Function: the one message of a run that is refused, and its INI file."""

    def run(*about, **sections):
        code, _, message, ini = shown(*about, **sections)
        assert code == 2, message
        assert len(message.splitlines()) == 1, message
        assert not list((tmp_path / "run").rglob("*.index"))
        return message, ini

    return run


def line_of(message, ini):
    """The line of the INI file that a message points at."""
    number = int(message.removeprefix(f"{ini}:").partition(":")[0])
    return ini.read_text().splitlines()[number - 1]


@pytest.fixture
def xyz(tmp_path):
    return write_xyz(tmp_path / "a.xyz", STRUCTURES)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """{kind: folder of records with derivatives of this kind}."""
    folder = tmp_path_factory.mktemp("records")
    return {
        kind: write_records(folder / str(kind), STRUCTURES, kind)
        for kind in ("dense", "sparse", None)
    }


def test_forces_on_some_atoms_only(tmp_path, refused):
    folder = tmp_path / "examples"
    folder.mkdir()
    for structure in STRUCTURES:
        write_example(folder / f"{structure.name}.example", structure)
    path = folder / "s1.example"
    content = json.loads(path.read_text())
    content["atoms"][2] = content["atoms"][2][:3]
    path.write_text(json.dumps(content))
    message, _ = refused(folder)
    assert message == (
        f"{path}: atoms, entry 3: no forces, but other atoms have them. Give forces "
        "for all atoms or for none."
    )


def test_a_force_that_is_no_number(xyz, refused):
    lines = xyz.read_text().splitlines()
    lines[2] = " ".join([*lines[2].split()[:-1], "nan"])
    xyz.write_text("\n".join(lines) + "\n")
    message, _ = refused(xyz)
    assert message.startswith(f"{xyz}: frame 1: the force on atom 1 is [")
    assert message.endswith(
        "nan], expected three finite numbers. Give the forces on all atoms, or on none."
    )


def vibrating(scale):
    """Twelve H2 on a spring, E = k x^2 / 2, with forces times `scale`."""
    found = []
    for number in range(12):
        x = 0.02 * (number - 5)
        positions = [[0.0, 0.0, 0.0], [1.0 + x, 0.0, 0.0]]
        forces = scale * 30.0 * x * np.array([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]])
        one = placed("HH", positions)
        found.append(
            replace(one, name=f"h{number}", energy=-30 + 15.0 * x**2, forces=forces)
        )
    return found


def test_forces_in_another_unit_are_noticed(tmp_path, shown):
    wrong = write_xyz(tmp_path / "wrong.xyz", vibrating(0.52917721))
    code, output, _, _ = shown(wrong)
    assert code == 0
    assert f"note: {wrong}: The forces do not fit the energies: between " in output
    assert "They look like forces in eV/bohr: multiply them by 1.88973" in output


def test_forces_in_the_right_unit_are_not(tmp_path, shown):
    _, output, _, _ = shown(write_xyz(tmp_path / "right.xyz", vibrating(1.0)))
    assert "do not fit" not in output


@pytest.mark.parametrize("form", ["xyz", "override"])
def test_periodic_without_a_cell(tmp_path, refused, form):
    if form == "xyz":
        boxed = [replace(STRUCTURES[0], pbc=np.array([True] * 3)), *STRUCTURES[1:]]
        path = write_xyz(tmp_path / "a.xyz", boxed)
        message, _ = refused(path)
        assert message == (
            f"{path}: frame 1: pbc = [True, True, True], but a periodic direction has "
            "no cell vector. Give the cell, or set pbc to False there."
        )
        return
    path = write_xyz(tmp_path / "a.xyz", STRUCTURES[:1])
    override = tmp_path / "override"
    override.mkdir()
    ini = gvect_ini(override)
    ini.write_text(ini.read_text() + "[PBC]\nuse_pbc = True, True, True\n")
    message, _ = refused(path, IO_INFORMATION={"gvect_ini": ini})
    assert message.startswith(f"{path}: s0: ")
    assert "use_pbc" in message


def test_a_cell_without_volume(tmp_path, refused):
    flat = SKEWED.copy()
    flat[2] = flat[0] + flat[1]
    cell = replace(STRUCTURES[1], cell=flat)
    path = write_xyz(tmp_path / "a.xyz", [*STRUCTURES[2:], cell])
    message, _ = refused(path)
    assert message.startswith(f"{path}: ")
    assert "volume" in message


@pytest.mark.parametrize("derivatives", ["stored", "computed", "auto"])
def test_atoms_at_one_place(tmp_path, refused, derivatives):
    positions = STRUCTURES[0].positions.copy()
    positions[1] = positions[0]
    path = write_xyz(
        tmp_path / "a.xyz",
        [*STRUCTURES[1:], replace(STRUCTURES[0], positions=positions)],
    )
    message, _ = refused(path, IO_INFORMATION={"derivatives": derivatives})
    assert message == (
        f"{path}: s0: atoms 1 (O) and 2 (H), counted from 1, are at the same place "
        "(0.0e+00 angstrom apart), expected distinct positions. Correct the positions, "
        "their unit or the cell."
    )


def out_of_range(n):
    """Pairs of atoms 9 angstrom and more apart; the descriptor ends at 4.6."""
    return [
        replace(
            placed("OH", [[0, 0, 0], [9.0 + number, 0, 0]]),
            name=f"far{number}",
            energy=-2055.0,
            forces=np.zeros((2, 3)),
        )
        for number in range(n)
    ]


def test_all_atoms_beyond_the_range_of_the_descriptor(tmp_path, refused):
    path = write_xyz(tmp_path / "a.xyz", out_of_range(7))
    message, _ = refused(path)
    assert message == (
        f"{path}: 7 of 7 structures with several atoms (far0, far1, far2, far3, far4, "
        "...) hold an atom without any other within 4.6 angstrom, the range of the "
        "descriptor: nothing about it can be learned. Check the unit of the positions, "
        "or raise the cutoffs in gvect_ini."
    )


def test_some_atoms_beyond_the_range_are_told(tmp_path, shown):
    path = write_xyz(tmp_path / "a.xyz", [*STRUCTURES, *out_of_range(1)])
    code, output, _, _ = shown(path)
    assert code == 0
    assert (
        f"note: {path}: 1 of 7 structures with several atoms (far0) hold an" in output
    )


@pytest.mark.parametrize(("kind", "flag"), [("dense", True), ("sparse", False)])
def test_a_sparse_flag_that_the_records_contradict(records, refused, kind, flag):
    message, _ = refused(
        records[kind],
        IO_INFORMATION=TFR,
        DATA_INFORMATION={"sparse_derivatives": flag},
    )
    first = f"{records[kind]}/train-1-2.tfrecord: record 1"
    assert message == (
        f"{first}: its derivatives are {kind}, but "
        f"[DATA_INFORMATION] sparse_derivatives = {flag}. Set sparse_derivatives = "
        f"{not flag}, or remove the key: the records say it themselves."
    )


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("is_said", [False, True])
def test_a_sparse_flag_that_fits_or_is_not_there(records, shown, kind, is_said):
    said = {"sparse_derivatives": kind == "sparse"} if is_said else {}
    code, output, message, _ = shown(
        records[kind], IO_INFORMATION=TFR, DATA_INFORMATION=said
    )
    assert (code, message) == (0, "")
    assert "Derivatives of the descriptors: stored (the records hold them)." in output


def test_records_without_derivatives(records, refused):
    message, _ = refused(records[None], IO_INFORMATION=TFR)
    assert message == (
        f"{records[None]}/train-1-2.tfrecord: record 1: no derivatives of the "
        "descriptors, which training on forces needs. Make descriptors and records "
        "with include_derivatives = True, or train from structures (input_format = "
        "example or structure with gvect_ini)."
    )


def test_stored_derivatives_beyond_the_memory(xyz, refused):
    keys = {"derivatives": "stored", "memory_budget_mb": 0.001}
    message, ini = refused(xyz, IO_INFORMATION=keys)
    assert line_of(message, ini) == "derivatives = stored"
    assert "derivatives = stored needs 0.00756 MB, but memory_budget_mb = " in message
    assert message.endswith(
        "Set derivatives = computed (or auto), or raise memory_budget_mb."
    )


def test_derivatives_beyond_the_memory_are_computed(xyz, shown):
    code, output, _, _ = shown(xyz, IO_INFORMATION={"memory_budget_mb": 0.001})
    assert code == 0
    assert "Derivatives of the descriptors: computed (stored ones would need" in output


@pytest.mark.parametrize("io", [{"memory_budget_mb": 0.015}, {"dataset_cache": False}])
def test_records_beyond_the_memory(records, refused, io):
    """Training and validation records take 9 kB each: alone they would fit."""
    dense = records["dense"]
    message, ini = refused(dense, dense, IO_INFORMATION=TFR | io)
    ((key, value),) = io.items()
    assert line_of(message, ini) == f"{key} = {value}"
    assert f"the records of {dense} and {dense} take 0.0188 MB, but {key} = " in message
    assert "derivatives are not streamed" in message


def test_computing_from_records(records, refused):
    io = TFR | {"derivatives": "computed"}
    message, ini = refused(records["dense"], IO_INFORMATION=io)
    assert line_of(message, ini) == "derivatives = computed"
    assert f"needs positions, but {records['dense']} holds descriptors." in message


@pytest.mark.parametrize("where", ["training", "validation"])
def test_virials_of_records(records, xyz, refused, where):
    training = {"virial_cost": 0.1}
    if where == "training":
        message, ini = refused(
            records["dense"], IO_INFORMATION=TFR, TRAINING_PARAMETERS=training
        )
    else:
        message, ini = refused(
            xyz, records["dense"],
            VALIDATION_OPTIONS={"input_format": "tfr"}, TRAINING_PARAMETERS=training,
        )  # fmt: skip
    assert line_of(message, ini) == "virial_cost = 0.1"
    assert f"virial_cost needs structures, but {records['dense']} holds" in message


def test_elements_in_another_order_than_in_gvect_ini(tmp_path, xyz, refused):
    other = tmp_path / "other"
    other.mkdir()
    swapped = gvect_ini(other, species="O, H")
    message, ini = refused(xyz, IO_INFORMATION={"gvect_ini": swapped})
    assert line_of(message, ini).startswith("atomic_sequence = ")
    assert f"atomic_sequence = H, O, but {swapped}:3 has species = O, H." in message


def test_an_element_that_gvect_ini_does_not_know(tmp_path, refused):
    strange = replace(STRUCTURES[0], symbols=("C", "H", "H"))
    path = write_xyz(tmp_path / "a.xyz", [strange, *STRUCTURES[1:]])
    message, _ = refused(path)
    assert message == (
        f"{path}: frame 1: element C found, expected only H, O. Add it to "
        "atomic_sequence and to the species of gvect_ini, or leave such structures out."
    )


def test_a_g_size_that_gvect_ini_does_not_give(xyz, shown):
    code, _, message, ini = shown(xyz, DEFAULT_NETWORK={"g_size": 12})
    assert code == 2
    assert line_of(message, ini) == "g_size = 12"
    assert len(message.splitlines()) == 1
    assert "g_size = 12 for H, O, but the settings of" in message
    assert "give 10 descriptors per atom. Set g_size = 10" in message


def test_structures_without_gvect_ini(xyz, shown):
    code, _, message, ini = shown(xyz, IO_INFORMATION={"gvect_ini": None})
    assert code == 2
    problem, closing = message.splitlines()
    assert line_of(problem, ini) == "input_format = example"
    assert "input_format = example needs [IO_INFORMATION] gvect_ini" in problem
    assert closing.startswith("1 problem in ")
