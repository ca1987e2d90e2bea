"""The expanded file says the same as the file it came from; the shipped files load."""

from pathlib import Path

import pytest

from annpot import config

INPUT_FILES = Path(__file__).parents[2] / "input_files"
LOADERS = {
    "gvect": config.load_gvect,
    "gvect_dense": config.load_gvect,
    "gvect_sparse": config.load_gvect,
    "gvect_silicon": config.load_gvect,
    "tfr": config.load_tfr,
    "tfr_dense": config.load_tfr,
    "tfr_sparse": config.load_tfr,
    "tfr_structures": config.load_tfr,
    "train1": config.load_train,
    "train1_decay": config.load_train,
    "train_best": config.load_train,
    "train_force_best": config.load_train,
    "train_kalman": config.load_train,
    "train_long": config.load_train,
    "train2": config.load_train,
    "train_force": config.load_train,
    "train_force_dense": config.load_train,
    "train_force_sparse": config.load_train,
    "train_force_long": config.load_train,
    "train_silicon": config.load_train,
    "train_split": config.load_train,
    "test_split": config.load_evaluate,
    "validation1": config.load_evaluate,
    "validation_force": config.load_evaluate,
    "validation_silicon": config.load_evaluate,
    "extract_md": config.load_extract,
    "extract_md_silicon": config.load_extract,
    "extract_weights": config.load_extract,
}
OFFSETS = (-13.587223, -1029.511138, -2042.009502, -1485.014746)  # H, C, O, N; eV


def reloaded(tmp_path, read, load, values=None):
    path = tmp_path / "expanded.ini"
    path.write_text(read.source.expanded_text(values))
    return load(path)


@pytest.mark.parametrize("name", LOADERS)
def test_shipped_files_load_and_expand_to_themselves(tmp_path, name):
    read = LOADERS[name](INPUT_FILES / f"{name}.ini")
    assert read.source.notices == ()
    assert reloaded(tmp_path, read, LOADERS[name]) == read


def test_no_shipped_file_is_forgotten():
    shipped = {path.stem for path in INPUT_FILES.glob("*.ini")}
    assert shipped - {"train_stages"} == set(LOADERS)  # see test_config_stages.py


EVERYTHING = """
[DEFAULT]
root = 100%% pure
[IO_INFORMATION]
data_dir = %(root)s/$${odd}
train_dir = ${data_dir} run
metrics = RMSE, loss
dataset_cache = no
profile = 3-7
restart_mode = no
shuffle_buffer_size_multiplier = 3
[DATA_INFORMATION]
atomic_sequence = Si, O
[TRAINING_PARAMETERS]
batch_size = 7
max_steps = 1234
learning_rate = 0.30000000000000004
loss_function = exp_quad
energy_prefactor = 0.1
[DEFAULT_NETWORK]
networks_metadata = nets
output_offset = -1
[Si]
architecture = 8:4:1
trainable = 0:1:1
activations = tanh:relu:linear
behavior = load:new:keep
output_offset = -7.25
layer0_w_file = w.npy
"""


def test_an_unusual_file_expands_to_itself(tmp_path):
    path = tmp_path / "train.ini"
    path.write_text(EVERYTHING)
    read = config.load_train(path)
    again = reloaded(tmp_path, read, config.load_train)
    assert again == read
    assert str(again.io.data_dir) == "100% pure/${odd}"
    assert again.training.learning_rate == 0.30000000000000004
    assert again.training.steps_per_epoch == 123
    assert again.elements["Si"].layer_w_files == {0: Path("w.npy")}


def without_seed(tmp_path):
    """The shipped train1.ini without its seed, loaded."""
    lines = (INPUT_FILES / "train1.ini").read_text().splitlines()
    path = tmp_path / "train1.ini"
    path.write_text("\n".join(line for line in lines if not line.startswith("seed")))
    return config.load_train(path)


def test_expanding_writes_every_key_and_what_unset_means(tmp_path):
    text = without_seed(tmp_path).source.expanded_text()
    assert "\nadam_eps = 1e-07\n" in text
    assert "\n# seed is not set: drawn, printed and stored in the checkpoints\n" in text


def test_a_drawn_seed_can_be_written_in(tmp_path):
    read = without_seed(tmp_path)
    seed = {("TRAINING_PARAMETERS", "seed"): 17}
    assert read.training.seed is None
    assert reloaded(tmp_path, read, config.load_train, seed).training.seed == 17


def test_an_unset_checkpoint_interval_stays_unset():
    read = config.load_train(INPUT_FILES / "train1.ini")
    assert read.io.save_checkpoint_steps is None
    assert read.validation.batch_size is None  # it has no effect: not written out
    assert read.training.total_steps == 1000
    assert read.data.output_offset == OFFSETS


def test_bp_takes_angular_numbers_from_radial_ones(tmp_path):
    path = tmp_path / "bp.ini"
    path.write_text(
        "[IO_INFORMATION]\ninput_json_dir = x\n[SYMMETRY_FUNCTION]\ntype = BP\n"
        "species = H\n[GVECT_PARAMETERS]\nRc_rad = 5\nRsN_rad = 2\neta_rad = 1, 2\n"
        "zeta = 1, 4\nThetasN = 3\n"
    )
    read = config.load_gvect(path)
    assert read.gvect_parameters.rc_ang == 5
    assert read.gvect_parameters.eta_ang == (1, 2)
    assert read.source.notices == (
        f"{path}:11: [GVECT_PARAMETERS] ThetasN has no effect: it belongs to type = "
        "mBP.",
    )
    assert reloaded(tmp_path, read, config.load_gvect) == read


def test_configurations_are_frozen():
    read = config.load_train(INPUT_FILES / "train1.ini")
    with pytest.raises(AttributeError, match="cannot assign to field 'io'"):
        read.io = None
    with pytest.raises(ValueError, match="Instance is frozen"):
        read.training.batch_size = 3


def test_single_step_makes_ranges_idle(tmp_path):
    path = tmp_path / "validation.ini"
    path.write_text(
        "[IO_INFORMATION]\ndata_dir = a\nnetworks_dir = b\neval_dir = c\n"
        "[VALIDATION_OPTIONS]\nsingle_step = True\nsubsampling = 2\n"
    )
    assert config.load_evaluate(path).source.notices == (
        f"{path}:7: [VALIDATION_OPTIONS] subsampling has no effect: single_step = True "
        "evaluates one checkpoint.",
    )
