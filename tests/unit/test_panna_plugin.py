"""panna.in and weights_X.dat: written, read, refused."""

import re
from dataclasses import replace

import numpy as np
import pytest

from annpot.deploy.panna.plugin import plugin_files, read_plugin
from annpot.errors import InputError
from annpot.networks.architecture import LayerSpec, LayerWeights
from reference.descriptor_cases import SMALL_BP, SMALL_MBP, settings_of
from reference.small_potentials import potential_of, predicted, scattered

GENERATION = {0: 2, 1: 3}
LISTS = {
    "rc_rad": 4.6, "rs_rad_list": (0.5, 1.1, 2.9), "eta_rad": (3.0, 2.0, 1.1),
    "rc_ang": 3.1, "rs_ang_list": (0.4, 1.7), "eta_ang": (2.0, 0.7),
    "thetas_list": (11.0, 47.0, 101.3), "zeta": (5.0, 4.0, 1.0),
}  # fmt: skip
both_layouts = pytest.mark.parametrize("gversion", [0, 1])


def potential(gversion=1, numbers=SMALL_MBP, precision=np.float32, offsets=None):
    """StructurePotential that a layout can hold."""
    settings = settings_of("HCO", numbers, generation=GENERATION[gversion])
    made = potential_of(settings, activations=(1, 3, 0))
    specs = made.specs
    if offsets is not None:
        specs = tuple(map(lambda s, e: replace(s, offset=e), specs, offsets))
    weights = {
        element: tuple(
            LayerWeights(w.kernel.astype(precision), w.bias.astype(precision))
            for w in layers
        )
        for element, layers in made.weights.items()
    }
    return replace(made, specs=specs, weights=weights)


def exported(made, gversion, generation=None):
    generation = GENERATION[gversion] if generation is None else generation
    return plugin_files(made.settings, made.specs, made.weights, generation, gversion)


def written(folder, files):
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def text_of(tmp_path, gversion):
    """Text of panna.in of a written export."""
    written(tmp_path, exported(potential(gversion), gversion)[0])
    return (tmp_path / "panna.in").read_text()


@both_layouts
def test_what_is_written_is_read_and_written_again_bit_for_bit(tmp_path, gversion):
    made = potential(gversion, offsets=(0.0, 0.0, 0.0))
    files, losses = exported(made, gversion)
    read = read_plugin(written(tmp_path, files))
    assert (read.settings, read.specs) == (made.settings, made.specs)
    assert (read.mbp_generation, read.gversion) == (GENERATION[gversion], gversion)
    again, _ = plugin_files(
        read.settings, read.specs, read.weights, read.mbp_generation, gversion
    )
    assert again == files
    assert {(loss.energy, loss.weight) for loss in losses} == {(0.0, 0.0)}


def test_lists_of_centres_and_angles_are_held_exactly_by_gversion_1(tmp_path):
    made = potential(1, LISTS)
    read = read_plugin(written(tmp_path, exported(made, 1)[0]))
    assert read.settings == made.settings


@pytest.mark.parametrize("unit", ["angstrom", "bohr"])
@pytest.mark.parametrize("n", [1, 2, 7, 16])
def test_equal_steps_are_held_exactly_by_gversion_0(tmp_path, unit, n):
    numbers = SMALL_MBP | {"gvect_parameters_unit": unit, "rsn_rad": n, "thetasn": n}
    made = potential(0, numbers)
    read = read_plugin(written(tmp_path, exported(made, 0)[0]))
    assert read.settings == made.settings


def test_keys_of_gversion_0_stand_in_the_order_that_no_reader_gets_wrong(tmp_path):
    """Readers make all centres when they meet RsN, all angles at ThetasN."""
    keys = re.findall(r"^(\w+) =", text_of(tmp_path, 0), re.M)
    assert keys[:14] == [
        "Nspecies", "species",
        "eta_rad", "Rc_rad", "Rs0_rad", "Rsst_rad", "RsN_rad",
        "eta_ang", "Rc_ang", "Rs0_ang", "Rsst_ang", "RsN_ang",
        "zeta", "ThetasN",
    ]  # fmt: skip


def test_the_layout_is_told_in_the_first_line(tmp_path):
    text = text_of(tmp_path, 1)
    assert text.startswith("!gversion = 1\n# mbp_generation = 3\n[GVECT_PARAMETERS]\n")
    assert "\nzeta = [5, 5, 5]\n" in text
    # PANNA's readers lose a last line without line feed.
    assert text.endswith("\n")
    assert text_of(tmp_path, 0).startswith("# mbp_generation = 2\n[GVECT")


@both_layouts
def test_any_order_of_keys_is_read(tmp_path, gversion):
    text = text_of(tmp_path, gversion)
    head, *sections = re.split(r"(?m)^(?=\[)", text)
    turned = [
        "\n".join([lines[0], *reversed(lines[1:])]) + "\n"
        for lines in (section.strip().split("\n") for section in sections)
    ]
    (tmp_path / "panna.in").write_text(head + "".join(reversed(turned)))
    made = potential(gversion)
    read = read_plugin(tmp_path)
    assert read.settings == made.settings
    for spec, layers in zip(made.specs, read.weights.values(), strict=True):
        for found, expected in zip(layers, made.weights[spec.element], strict=True):
            np.testing.assert_array_equal(found.kernel, expected.kernel)


def test_the_steps_of_gversion_0_may_be_left_out(tmp_path):
    text = re.sub(r"Rsst_\w+ = .*\n", "", text_of(tmp_path, 0))
    (tmp_path / "panna.in").write_text(text)
    assert read_plugin(tmp_path).settings == potential(0).settings


@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_the_energy_is_that_of_the_networks_but_for_the_told_loss(tmp_path, precision):
    """At -2000 eV float32 numbers are 2^-13 = 1.2e-4 eV apart: at most half is lost."""
    offsets = (-13.587223, -1029.511138, -2042.009502)
    made = potential(1, precision=precision, offsets=offsets)
    files, losses = exported(made, 1)
    read = read_plugin(written(tmp_path, files))
    for spec, loss in zip(made.specs, losses, strict=True):
        exact = float(made.weights[spec.element][-1].bias[0]) + spec.offset
        stored = float(read.weights[spec.element][-1].bias[0])
        assert loss.energy == stored - exact
        assert abs(loss.energy) <= np.spacing(np.float32(-spec.offset)) / 2
        assert (loss.weight > 0) == (precision == np.float64)
    assert max(abs(loss.energy) for loss in losses) < 1.3e-4 / 2
    assert max(loss.weight for loss in losses) < 1e-7 * 4
    structure = scattered("CHHOH")
    plugin = replace(made, specs=read.specs, weights=read.weights)
    difference = (
        predicted(plugin, structure).energies - predicted(made, structure).energies
    )
    by_element = {loss.element: loss.energy for loss in losses}
    told = sum(by_element[symbol] for symbol in structure.symbols)
    # Weights of float64 are rounded too; sums of 1e4 eV in float64 are good to 1e-11.
    tolerance = 1e-10 if precision == np.float32 else 1e-5
    np.testing.assert_allclose(difference, told, atol=tolerance)


@pytest.mark.parametrize(
    ("gversion", "generation", "change", "reason"),
    [
        (1, 3, {"cosine_scale": 0.95}, "cosine_scale = 0.95: it knows 1 alone"),
        (1, 3, {"radial_prefactor": 0.25}, "radial_prefactor = 0.25: it knows 1"),
        (1, 2, {}, "mBP of generation 2: what is computed there is generation 3"),
        (0, 3, {}, "mBP of generation 3: what is computed there is generation 2"),
        (1, None, {}, "an mBP of unknown generation"),
        (1, 3, {"epsilon": 0.01}, "epsilon = 0.01: it knows 0.001 alone"),
        (1, 3, {"zetas": (5.0, 5.5, 5.0)}, "zeta = 5.5: it would be cut to 5"),
        (0, 2, {"zetas": (5.0, 4.0, 5.0)}, "several zeta (5, 4, 5)"),
        (0, 2, {"radial_etas": (3.0, 1.0, 3.0)}, "several eta_rad (3, 1, 3)"),
        (0, 2, {"angular_etas": (3.0, 1.0)}, "several eta_ang (3, 1)"),
        (0, 2, {"radial_centres": (0.5, 1.0, 2.0)}, "radial centres in unequal steps"),
        (0, 2, {"thetas": (0.1, 1.0, 2.0)}, "angles of 5.72958, 57.2958, 114.592 degr"),
    ],
)
def test_descriptors_that_a_layout_cannot_hold(gversion, generation, change, reason):
    made = potential(gversion)
    settings = replace(made.settings, **change)
    with pytest.raises(InputError, match=re.escape(reason)) as error:
        plugin_files(settings, made.specs, made.weights, generation, gversion)
    assert f"panna.in with gversion {gversion}" in str(error.value)
    assert "output_type = ASE holds them exactly" in str(error.value)


@both_layouts
def test_descriptors_of_behler_and_parrinello_are_refused(gversion):
    made = potential_of(settings_of("HCO", SMALL_BP, kind="BP"), activations=(1, 1, 0))
    with pytest.raises(InputError, match="of type BP: it holds mBP alone"):
        plugin_files(made.settings, made.specs, made.weights, None, gversion)


@pytest.mark.parametrize(
    ("gversion", "activations", "reason"),
    [
        (0, (4, 1, 0), "activation tanh of H: it knows linear, gaussian, relu."),
        (1, (1, 2, 0), "activation rbf of H: it knows linear, gaussian, relu, tanh."),
        (1, (1, 1, 3), "the offset of C, whose last layer is relu"),
    ],
)
def test_networks_that_a_layout_cannot_hold(gversion, activations, reason):
    made = potential(gversion)
    layers = tuple(map(LayerSpec, (5, 4, 1), activations))
    specs = tuple(replace(spec, layers=layers) for spec in made.specs)
    with pytest.raises(InputError, match=reason):
        exported(replace(made, specs=specs), gversion)


def test_weights_beyond_float32_are_refused():
    made = potential(1, precision=np.float64, offsets=(-1e39, 0.0, 0.0))
    with pytest.raises(InputError, match="of H: a weight or bias is too large"):
        exported(made, 1)


@pytest.mark.parametrize(
    ("gversion", "old", "new", "told"),
    [
        (0, "eta_rad = 3.0\n", "", r"a.in:2: \[GVECT_PARAMETERS\] has no key 'eta_r"),
        (0, "eta_rad", "eta_raf", "in:5: unknown key 'eta_raf' in .*Did you mean 'e"),
        (1, "zeta", "weights", "in:15: weights: weighted descriptors are not ava"),
        (0, "RsN_rad = 3", "RsN_rad = 0", "RsN_rad = 0: expected an integer from 1 to"),
        (0, "Rc_rad = 4.6", "Rc_rad = x", "Rc_rad = x: expected a number"),
        (0, "Rc_rad = 4.6", "Rc_rad = -1", "Rc_rad = -1.0: expected a length above 0"),
        (1, "RsN_rad = 3", "RsN_rad = 2", "expected 2 numbers in brackets"),
        (0, "Nspecies = 3", "Nspecies = 2", "3 elements, but Nspecies = 2"),
        (0, "species = H,C,O", "species = H,C,Xx", "different chemical symbols"),
        (0, "[O]", "[N]", r"unknown section \[N\]: expected H,C,O"),
        (0, "[C]", "[LONG_RANGE]", "electrostatics are not available"),
        (0, "Nlayers = 3\n", "Nlayers = 2\n", "Nlayers = 2, 3 sizes, 3 activations"),
        (0, "sizes = 5,4,1", "sizes = 5,4,3", "last of sizes is 3: expected 1"),
        (0, "= 1,3,0", "= 1,2,0", "ons = 1,2,0: expected numbers among 0, 1, 3"),
        (0, "sizes = 5,4,1", "sizes = 5,1", "Nlayers = 3, 2 sizes"),
        (0, "[H]", "H", "'H': expected .SECTION. or KEY = VALUE"),
        (0, "[C]", "[H]", r"\[H\] is given twice"),
        (0, "generation = 2", "generation = 7", "expected a number from 0 to 3"),
        (1, "!gversion = 1", "!gversion = 4", "expected a number from 0 to 1"),
        (0, "weights_C.dat", "weights_N.dat", "weights_N.dat: there is no such file"),
        (0, "weights_C.dat", "weights\0C.dat", "panna.in: is not text: expected the"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_told(tmp_path, gversion, old, new, told):
    text = text_of(tmp_path, gversion)
    assert old in text
    (tmp_path / "panna.in").write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=told):
        read_plugin(tmp_path)


@pytest.mark.parametrize(("change", "kind"), [(-4, "truncated"), (4, "too long")])
def test_weights_of_another_length_are_told(tmp_path, change, kind):
    text_of(tmp_path, 0)
    path = tmp_path / "weights_C.dat"
    content = path.read_bytes()
    path.write_bytes(content[:change] if change < 0 else content + bytes(change))
    n = len(content)
    with pytest.raises(InputError) as error:
        read_plugin(tmp_path)
    assert f"weights_C.dat: {kind}: expected {n} bytes" in str(error.value)
    assert f"found {n + change}." in str(error.value)


def test_the_generation_is_stated_by_the_file_or_the_caller(tmp_path):
    text = text_of(tmp_path, 0)
    with pytest.raises(InputError, match="states mbp_generation = 2, but 1 is asked"):
        read_plugin(tmp_path, 1)
    (tmp_path / "panna.in").write_text(text.replace("# mbp_generation = 2\n", ""))
    assumed, stated = read_plugin(tmp_path), read_plugin(tmp_path / "panna.in", 1)
    assert (assumed.mbp_generation, assumed.settings.epsilon) == (None, 0.01)
    assert (stated.mbp_generation, stated.settings.epsilon) == (1, 0.0)


def test_an_export_of_another_program_is_read_and_its_weights_kept(reference_data):
    folder = reference_data / "panna_lammps"
    if not folder.is_dir():
        pytest.skip("PANNA's export is not on this machine")
    read = read_plugin(folder, generation=2)
    assert read.settings == settings_of(
        "HCNO",
        {
            "rc_rad": 4.6, "rs0_rad": 0.5, "rsn_rad": 8, "eta_rad": 8.0,
            "rc_ang": 3.1, "rs0_ang": 0.5, "rsn_ang": 4, "eta_ang": 6.0,
            "thetasn": 4, "zeta": 8.0,
        },
        generation=2,
    )  # fmt: skip
    assert [spec.n_features for spec in read.specs] == [192] * 4
    files, losses = plugin_files(read.settings, read.specs, read.weights, 2, 0)
    for symbol in "HCNO":
        name = f"weights_{symbol}.dat"
        assert files[name] == (folder / name).read_bytes()
    assert {(loss.energy, loss.weight) for loss in losses} == {(0.0, 0.0)}
