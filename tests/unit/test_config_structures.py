"""Training and evaluation on structures: input_format, gvect_ini and their rules."""

import pytest

from annpot import config
from annpot.descriptors.settings import descriptor_settings
from annpot.errors import InputError

TRAIN = """\
[IO_INFORMATION]
data_dir = structures
train_dir = run
{io}
[DATA_INFORMATION]
atomic_sequence = H, O
[DEFAULT_NETWORK]
architecture = 8:1
[TRAINING_PARAMETERS]
batch_size = 2
steps_per_epoch = 10
max_epochs = 1
[VALIDATION_OPTIONS]
{validation}
"""
GVECT = """\
[IO_INFORMATION]
output_gvect_dir = somewhere
[PARALLELIZATION]
number_of_process = 4
[SYMMETRY_FUNCTION]
type = mBP
species = {species}
[GVECT_PARAMETERS]
gvect_parameters_unit = bohr
Rc_rad = 8
RsN_rad = 4
eta_rad = 2
Rc_ang = 6
Rs0_ang = 1
RsN_ang = 2
eta_ang = 1
ThetasN = 3
zeta = 8
"""
STRUCTURES = "input_format = structure\ngvect_ini = gvect.ini"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gvect.ini").write_text(GVECT.format(species="H, O"))
    return tmp_path


def train(folder, io="", validation=""):
    (folder / "train.ini").write_text(TRAIN.format(io=io, validation=validation))
    return config.load_train("train.ini")


def told(load, *arguments):
    with pytest.raises(InputError) as caught:
        load(*arguments)
    return str(caught.value)


def test_records_of_descriptors_need_no_settings(folder):
    assert train(folder).descriptor is None
    read = train(folder, "gvect_ini = gvect.ini")
    assert read.descriptor is None
    assert read.source.notices == (
        "train.ini:4: [IO_INFORMATION] gvect_ini has no effect: it belongs to "
        "input_format = example or structure.",
    )


@pytest.mark.parametrize("word", ["structure", "example"])
def test_settings_of_descriptors_come_from_gvect_ini(folder, word):
    read = train(folder, f"input_format = {word}\ngvect_ini = gvect.ini")
    assert read.validation.input_format == word
    settings = descriptor_settings(read.descriptor)
    assert settings == descriptor_settings(config.load_gvect(full_gvect(folder)))
    assert settings.r_cut_radial == pytest.approx(8 * 0.529177210544, rel=1e-15)
    assert "gvect_ini = gvect.ini" in read.source.expanded_text()


def full_gvect(folder):
    """The same file as app_gvect_calculator needs it."""
    text = GVECT.format(species="H, O")
    path = folder / "full.ini"
    path.write_text(text.replace("N]\n", "N]\ninput_json_dir = examples\n", 1))
    return path


def test_structures_need_gvect_ini(folder):
    message = told(train, folder, "input_format = structure")
    assert message.startswith(
        "train.ini:4: [IO_INFORMATION] input_format = structure needs "
        "[IO_INFORMATION] gvect_ini, an INI file with [SYMMETRY_FUNCTION]"
    )
    message = told(train, folder, "", "input_format = example")
    assert "[VALIDATION_OPTIONS] input_format = example needs" in message


@pytest.mark.parametrize("species", ["O, H", "H, O, C", "H"])
def test_elements_have_to_agree_in_their_order(folder, species):
    (folder / "gvect.ini").write_text(GVECT.format(species=species))
    assert told(train, folder, STRUCTURES) == (
        "train.ini:7: atomic_sequence = H, O, but gvect.ini:7 has species = "
        f"{species}. Use the same elements in the same order (also for output_offset)."
    )


def test_a_missing_or_wrong_file_is_told(folder):
    message = told(train, folder, STRUCTURES.replace("gvect.ini", "absent.ini"))
    assert message.startswith("absent.ini: no such file")
    (folder / "gvect.ini").write_text(GVECT.format(species="H, O") + "Rc_radd = 1\n")
    assert "gvect.ini:19: unknown key 'Rc_radd'" in told(train, folder, STRUCTURES)


EVALUATE = """\
[IO_INFORMATION]
data_dir = test
networks_dir = run/_models
eval_dir = eval
"""


def evaluate(folder, io=""):
    (folder / "evaluate.ini").write_text(EVALUATE + io)
    return config.load_evaluate("evaluate.ini")


def test_evaluation_reads_what_training_read(folder):
    assert evaluate(folder).io.input_format == "tfr"
    train(folder, STRUCTURES)
    read = evaluate(folder)
    assert read.io.input_format == "structure"
    assert read.descriptor == train(folder, STRUCTURES).descriptor
    assert "input_format = structure" in read.source.expanded_text()


def test_evaluation_may_read_something_else(folder):
    train(folder, STRUCTURES)
    read = evaluate(folder, "input_format = bin\n")
    assert (read.io.input_format, read.descriptor) == ("bin", None)
    (folder / "train.ini").unlink()
    read = evaluate(folder, "input_format = example\n")
    assert (read.io.input_format, read.descriptor) == ("example", None)
    read = evaluate(folder, "input_format = example\ngvect_ini = gvect.ini\n")
    assert read.descriptor.symmetry_function.species == ("H", "O")
    assert read.source.notices == ()
