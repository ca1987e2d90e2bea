"""The pair style in LAMMPS gives what NumPy and derivatives of descriptors give."""

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest

from annpot.apps.lammps import main
from annpot.deploy.lammps.box import box_of
from annpot.deploy.lammps.build import build, ready
from annpot.deploy.lammps.engine import lammps_results
from annpot.descriptors.derivative_pieces import derivative_pieces
from annpot.errors import InputError
from annpot.forces.contraction import atomic_virials
from annpot.models.folder import write_model
from annpot.models.model import DescriptorRange
from annpot.networks.numpy_potential import atomic_energies_and_gradients
from annpot.structures.batch import structure_batch
from reference.lammps_plugin import plugin as compiled_plugin
from reference.small_models import MODELS, model_of
from reference.small_potentials import (
    DESCRIPTORS,
    NETWORKS,
    STRUCTURES,
    predicted,
    tensor,
)

GENERATION_3 = "mBP generation 3"
# Sums of float64 in another order; the numbers are of the order of 1 to 10.
ENERGY, FORCE = 1e-10, 1e-9


@pytest.fixture(scope="module")
def plugin():
    return compiled_plugin()


@pytest.fixture
def folder(tmp_path):
    write_model(tmp_path / "model", MODELS[GENERATION_3])
    return tmp_path / "model"


def agree(found, model, structure):
    expected = predicted(model.potential, structure)
    n_atoms = len(structure.symbols)
    assert abs(found.energy - expected.energies[0]) <= ENERGY * n_atoms
    np.testing.assert_allclose(
        found.atomic_energies, expected.atomic_energies, rtol=0, atol=ENERGY
    )
    np.testing.assert_allclose(found.forces, expected.forces, rtol=0, atol=FORCE)
    np.testing.assert_allclose(found.virial, expected.virials[0], rtol=0, atol=FORCE)
    np.testing.assert_allclose(
        found.atomic_virials.sum(axis=0), expected.virials[0], rtol=0, atol=FORCE
    )
    np.testing.assert_allclose(
        found.centroid_virials.sum(axis=0),
        tensor(expected.virials[0]),
        rtol=0,
        atol=FORCE,
    )
    assert np.abs(expected.forces).max() > 1e-3


@pytest.mark.parametrize("name", MODELS)
def test_every_descriptor_in_every_kind_of_cell(name, plugin, tmp_path):
    write_model(tmp_path, MODELS[name])
    found = lammps_results(plugin, tmp_path, STRUCTURES.values())
    for one, structure in zip(found, STRUCTURES.values(), strict=True):
        agree(one, MODELS[name], structure)


@pytest.mark.parametrize("network", NETWORKS)
def test_every_activation(network, plugin, tmp_path):
    settings = DESCRIPTORS[GENERATION_3]
    model = model_of(settings, 3, activations=NETWORKS[network])
    write_model(tmp_path, model)
    (found,) = lammps_results(plugin, tmp_path, [STRUCTURES["crystal"]])
    agree(found, model, STRUCTURES["crystal"])


def test_two_ranks_give_what_one_gives(folder, plugin):
    structures = STRUCTURES["crystal"], STRUCTURES["molecule"], STRUCTURES["slab"]
    found = lammps_results(plugin, folder, structures, n_ranks=2)
    for one, structure in zip(found, structures, strict=True):
        agree(one, MODELS[GENERATION_3], structure)


def test_virials_of_atoms_are_those_of_their_own_energies(folder, plugin):
    structure, model = STRUCTURES["crystal"], MODELS[GENERATION_3]
    batch = structure_batch([structure], model.settings.species)
    (found,) = lammps_results(plugin, folder, [structure])
    for atoms, g, derivatives in derivative_pieces(batch, model.settings, strain=True):
        _, gradients = atomic_energies_and_gradients(
            g, batch.species[atoms], *model.potential.networks
        )
        expected = atomic_virials(gradients, derivatives.strain)
        np.testing.assert_allclose(
            found.atomic_virials[atoms], expected, rtol=0, atol=FORCE
        )


def test_centroid_virials_give_the_heat_flux(folder, plugin):
    """sum_i W_i v_i = sum_i r_i (dU_i/dt + F_i v_i), dU_i/dt by central differences.

    The right side is what d/dt sum_i r_i (U_i + m_i v_i^2 / 2) holds beside v_i times
    these energies.
    """
    structure, h = STRUCTURES["molecule"], 1e-3
    velocities = np.random.default_rng(4).normal(size=structure.positions.shape)
    moved = [
        replace(structure, positions=structure.positions + step * h * velocities)
        for step in (-2, -1, 1, 2)
    ]
    *found, here = lammps_results(plugin, folder, [*moved, structure])
    e = [one.atomic_energies for one in found]
    power = (8 * (e[2] - e[1]) - (e[3] - e[0])) / (12 * h)
    power += (here.forces * velocities).sum(axis=1)
    expected = power @ structure.positions
    flux = np.einsum("ixa,ia->x", here.centroid_virials, velocities)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(flux, expected, rtol=0, atol=1e-7)
    total = here.centroid_virials.sum(axis=0)
    np.testing.assert_allclose(total, tensor(here.virial), rtol=0, atol=FORCE)


@pytest.mark.parametrize("name", STRUCTURES)
def test_boxes_of_lammps_keep_all_distances(name):
    structure, box = STRUCTURES[name], box_of(STRUCTURES[name])
    assert (np.diag(box.vectors) > 0).all()
    assert np.linalg.det(box.rotation) == pytest.approx(1, abs=1e-12)
    moved = box.from_box(box.positions) - structure.positions
    cells = (
        np.linalg.pinv(structure.cell[np.array(structure.pbc)])
        if any(structure.pbc)
        else np.zeros((3, 0))
    )
    apart = (moved - moved[0]) @ cells
    np.testing.assert_allclose(apart, np.round(apart), rtol=0, atol=1e-9)
    rest = (moved - moved[0]) - np.round(apart) @ structure.cell[
        np.array(structure.pbc)
    ]
    np.testing.assert_allclose(rest, 0, rtol=0, atol=1e-9)


@pytest.mark.parametrize("pbc", list(product((False, True), repeat=3)))
@pytest.mark.parametrize("hand", [1, -1])
def test_boxes_of_lammps_repeat_as_the_structure_does(pbc, hand):
    rng = np.random.default_rng(1)
    for _ in range(5):
        cell, positions = rng.normal(size=(2, 3, 3))
        cell[0] *= np.sign(np.linalg.det(cell)) * hand
        box = box_of(SimpleNamespace(pbc=pbc, cell=cell, positions=positions))
        assert np.linalg.det(box.vectors) > 0
        vectors = box.from_box(box.vectors[box.pbc])
        found = sorted(vectors.tolist())
        np.testing.assert_allclose(found, sorted(cell[list(pbc)].tolist()), atol=1e-12)


def test_golden_structures_pass(folder, plugin, capsys):
    assert main(["check", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert "LAMMPS and the model agree to rounding" in shown
    assert re.search(r"lowest .* median .* highest", shown, re.DOTALL)


def test_paths_need_not_be_words_of_ascii(folder, plugin, tmp_path):
    model = folder.rename(tmp_path / "mein 'Mod\u00e4ll'")
    (found,) = lammps_results(plugin, model, [STRUCTURES["molecule"]])
    agree(found, MODELS[GENERATION_3], STRUCTURES["molecule"])
    (model / "C_l0_w.npy").unlink()
    with pytest.raises(InputError, match=f"{model}/C_l0_w.npy: cannot be read"):
        lammps_results(plugin, model, [STRUCTURES["molecule"]])


SCRIPT = """units metal
region box block 0 9 0 9 0 9
create_box 1 box
create_atoms 1 single 1 2 3
mass 1 1
pair_style annpot
pair_coeff * * {folder} H
run ${{steps}}
"""


@pytest.mark.parametrize("ranks", ["1", "2"])  # the second has no atoms
def test_words_after_two_dashes_go_to_lammps(folder, plugin, tmp_path, ranks, capfd):
    script = tmp_path / "in.txt"
    script.write_text(SCRIPT.format(folder=folder))
    log = tmp_path / "log.txt"
    words = ["--", "-var", "steps", "3", "-log", str(log)]
    assert main(["run", str(script), "--ranks", ranks, *words]) == 0
    assert "for 3 steps with 1 atoms" in log.read_text()
    capfd.readouterr()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "nosuch.in"], "nosuch.in: no such file: expected an input script"),
        (["run", "x.in", "--ranks", "0"], "--ranks: 0: expected a number of 1 or more"),
        (["build", "--flags", "'-march"], "--flags '-march: No closing quotation"),
        (["check", "model", "--", "-log"], "words after -- are for app_lammps run"),
    ],
)
def test_wrong_words_of_the_command_are_told(words, message, capsys):
    try:
        code = main(words)
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    assert message in capsys.readouterr().err


def test_other_golden_numbers_are_noticed(plugin, tmp_path, capsys):
    model = MODELS[GENERATION_3]
    golden = replace(model.golden[0], forces=model.golden[0].forces + 1e-7)
    write_model(tmp_path, replace(model, golden=(golden,)))
    assert main(["check", str(tmp_path)]) == 1
    assert "differs from the model by more than rounding" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("model.json", b'"units"', b'"Units"',
         'json: unknown key "Units".*another version'),
        ("model.json", b'"mbp_generation": 3', b'"mbp_generation": 5',
         "mbp_generation: expected a generation of mBP this plugin knows, 0 to 3"),
        ("model.json", b'"format_version": 1', b'"format_version": 2',
         "format_version: expected 1, which this plugin reads, found 2"),
        ("model.json", b'"activation": 4', b'"activation": 9',
         r"networks\[0\].layers\[1\].activation: expected 0 .linear.*found 9"),
        ("model.json", b'"species": [', b'"species": ["C", ',
         "descriptor.species: expected the same as in species"),
        ("model.json", b'"offset": ', b'"offset": nan, "x": ',
         "model.json:11: not valid JSON: expected a finite number"),
        ("model.json", b"}\n", b"", "model.json:.*the file ends too early"),
    ],
)  # fmt: skip
def test_a_wrong_model_stops_lammps(folder, plugin, name, old, new, message):
    path = folder / name
    content = path.read_bytes()
    assert old in content
    path.write_bytes(new.join(content.rsplit(old, 1)) if old == b"}\n" else
                     content.replace(old, new, 1))  # fmt: skip
    with pytest.raises(InputError, match=f"LAMMPS: .*{message}"):
        lammps_results(plugin, folder, [STRUCTURES["molecule"]])


def test_truncated_weights_stop_lammps(folder, plugin):
    path = folder / "C_l1_w.npy"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(
        InputError, match=r"C_l1_w.npy: 152 bytes of numbers, expec.*160"
    ):
        lammps_results(plugin, folder, [STRUCTURES["molecule"]])


def test_an_element_without_network_stops_lammps(folder, plugin):
    structure = replace(STRUCTURES["molecule"], symbols=("C", "H", "O", "H", "Si"))
    with pytest.raises(InputError, match=r"Si for type .* has networks of .* only"):
        lammps_results(plugin, folder, [structure])


@pytest.mark.parametrize(
    ("style", "message"),
    [
        ("extrapolate warn", "unknown keyword extrapolate: expected"),
        ("extrapolation never", "extrapolation never: expected ignore, warn or stop N"),
        ("extrapolation stop", "expected a number of atoms"),
        ("extrapolation stop -1", "expected 0 or more"),
    ],
)
def test_wrong_words_of_the_style_stop_lammps(folder, plugin, style, message):
    with pytest.raises(InputError, match=message):
        lammps_results(plugin, folder, [STRUCTURES["molecule"]], style=style)


def test_atoms_out_of_the_range_of_training_are_counted(plugin, tmp_path):
    """One component of the H atoms is bounded from above by what one atom has."""
    model, structure = MODELS[GENERATION_3], STRUCTURES["crystal"]
    batch = structure_batch([structure], model.settings.species)
    ((_, g, _),) = derivative_pieces(batch, model.settings)
    hydrogen = g[np.array(structure.symbols) == "H"]
    n_features = model.settings.n_features
    component = int(np.argmax(np.ptp(hydrogen, axis=0)))
    maximum = np.full(n_features, 1e3)
    maximum[component] = np.median(hydrogen[:, component])
    n_outside = int((hydrogen[:, component] > maximum[component] * 1.001).sum())
    assert 0 < n_outside < len(structure.symbols)
    ranges = {"H": DescriptorRange(np.zeros(n_features), maximum, 5)}
    write_model(tmp_path, replace(model, ranges=ranges))
    (found,) = lammps_results(plugin, tmp_path, [structure])
    assert found.n_outside == n_outside
    (found,) = lammps_results(
        plugin, tmp_path, [structure], style=f"extrapolation stop {n_outside}"
    )
    (found,) = lammps_results(
        plugin, tmp_path, [structure], style="extrapolation ignore"
    )
    assert found.n_outside == 0
    with pytest.raises(InputError, match=f"annpot: {n_outside} atoms were out of the"):
        lammps_results(
            plugin, tmp_path, [structure], style=f"extrapolation stop {n_outside - 1}"
        )


def test_an_up_to_date_plugin_is_left_alone(plugin):
    before = plugin.stat().st_mtime_ns
    assert not build().is_new
    assert plugin.stat().st_mtime_ns == before


def test_a_plugin_serves_without_the_compiler_and_the_flags_it_was_made_with(
    plugin, monkeypatch
):
    monkeypatch.setattr("annpot.deploy.lammps.build.FLAGS", ("-Og",))
    monkeypatch.setattr("shutil.which", lambda name: None)
    made = ready()
    assert (made.path, made.is_new) == (plugin, False)
    with pytest.raises(InputError, match="no such program"):
        build()


def test_a_signal_ends_lammps_too(folder, plugin, tmp_path):
    script, log = tmp_path / "in.txt", tmp_path / "log.txt"
    endless = "shell touch started\nrun 1000000000\n"
    script.write_text(SCRIPT.format(folder=folder) + endless)
    code = "import sys; from annpot.apps.lammps import main; sys.exit(main())"
    words = ["run", str(script), "--", "-var", "steps", "0", "-log", str(log)]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words],
        cwd=tmp_path,
        stdout=subprocess.PIPE,  # LAMMPS holds its other end as long as it lives
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 60
    while not (tmp_path / "started").exists() and time.monotonic() < until:
        time.sleep(0.05)
    process.terminate()
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert told.startswith(f"{script}: LAMMPS was interrupted")
    assert told.count("\n") == 1


def test_what_is_missing_for_a_build_is_told(tmp_path):
    with pytest.raises(InputError, match=r"nix\+\+: no such program: expected a comp"):
        build(compiler="nix++", output=tmp_path)
    with pytest.raises(InputError, match=r"no pair.h in it, in src or in include"):
        build(lammps=tmp_path, output=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_told_before_compiling(
    plugin, tmp_path, monkeypatch
):
    monkeypatch.setattr("os.access", lambda path, mode: mode != os.W_OK)
    with pytest.raises(InputError, match=rf"^{tmp_path}: cannot be written"):
        build(output=tmp_path)


def test_errors_of_the_compiler_are_shown(plugin, tmp_path):
    with pytest.raises(InputError, match=r"could not be compiled .*\n  .*error"):
        build(flags="--no-such-flag", output=tmp_path)
    assert json.loads((plugin.parent / f"{plugin.name}.json").read_text())["sha256"]
