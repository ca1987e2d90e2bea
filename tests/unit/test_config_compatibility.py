"""INI files written for PANNA 2.0 and for PANNA 1 are understood."""

from pathlib import Path

import pytest

from annpot import config
from annpot.errors import InputError

TRAIN_2 = """
[IO_INFORMATION]
data_dir = ./tfr
train_dir = ./run
input_format = tfr
log_frequency = 10
save_checkpoint_steps = 500
max_ckpt_to_keep = 1000
restart_mode = continue_from_last_ckpt
metrics = MAE,RMSE
progbar_interval = 0.5
profile = 0
starting_model_save = -1
final_model_save = -1
shuffle_buffer_size_multiplier = 10
prefetch_buffer_size_multiplier = 10
num_parallel_readers = 4
num_parallel_calls = 2
dataset_cache = True
[DATA_INFORMATION]
atomic_sequence = H, O
output_offset = -13.62, -2041.84
examples_name = True
[TRAINING_PARAMETERS]
batch_size = 20
learning_rate = 0.01
learning_rate_constant = False
learning_rate_decay_factor = 0.1
learning_rate_decay_step = 3200
beta1 = 0.9
wscale_l1 = 1e-4
steps_per_epoch = 100
max_epochs = 10
loss_function = exp_quad
energy_weight = None
forces_cost = 0
floss_function = quad_atom
[DEFAULT_NETWORK]
nn_type = a2aff
g_size = 128
architecture = 128:32:1
activations = 1:1:0
[O]
trainable = 0:1:1
[VALIDATION_OPTIONS]
data_dir = ./tfr_val
[PARALLELIZATION]
num_parallel_calls = 8
"""

TRAIN_1 = """
[IO_INFORMATION]
train_dir = ./run
data_dir = ./tfr
input_format = TFR
save_checkpoint_steps = 100
log_frequency = 10
tensorboard_log_frequency = 20
avg_speed_steps = 10
log_device_placement = False
[PARALLELIZATION]
num_parallel_readers = 2
dataset_cache = True
inter_op_parallelism_threads = 0
intra_op_parallelism_threads = 2
[LEARNING_PARAMETERS]
batch_size = 20
learning_rate = 0.001
max_steps = 2005
loss_function = quad_std_atom
[DATA_INFORMATION]
atomic_sequence = C
scaffold_type = PANNA
[DEFAULT_NETWORK]
nn_type = A2AFF
g_size = 80
architecture = 32:1
activations = gauss:l
networks_metadata = ./saved
[C]
behavior = keep:load
layer1_w_file = w1.npy
layer1_b_file = b1.npy
"""

GVECT_1 = """
[IO_INFORMATION]
input_json_dir = ./examples
[SYMMETRY_FUNCTION]
type = mBP
species = C
[PARALLELIZATION]
number_of_process = 4
[PBC]
pbc1 = True
pbc3 = 1
[MISC]
long_range = False
[GVECT_PARAMETERS]
gvect_parameters_unit = angstrom
eta_rad = 16
Rc_rad = 4.6
Rs0_rad = 0.5
RsN_rad = 16
Rsst_rad = 0.25625
eta_ang = 6
Rc_ang = 3.1
Rs0_ang = 0.5
RsN_ang = 8
ThetasN = 8
zeta = 50
"""

EVALUATE_1 = """
[IO_INFORMATION]
train_dir = ./run
eval_dir = ./eval
data_dir = ./bins
networks_format = tf_checkpoint
example_format = single_files
[PARALLELIZATION]
number_of_process = 4
[VALIDATION_OPTIONS]
single_step = True
add_offset = True
[TFR_STRUCTURE]
g_size = 384
"""

EXTRACT_1 = """
[IO_INFORMATION]
train_dir = ./run/
step_number = 1000
output_dir = ./saved
output_type = PANNA
"""


def loaded(tmp_path, monkeypatch, text, load):
    monkeypatch.chdir(tmp_path)
    Path("old.ini").write_text(text)
    return load("old.ini")


def test_a_training_file_of_panna_2(tmp_path, monkeypatch):
    read = loaded(tmp_path, monkeypatch, TRAIN_2, config.load_train)
    assert read.training.max_epochs == 10
    assert read.training.energy_weight is None
    assert read.io.num_parallel_calls == 2
    assert read.io.metrics == ("MAE", "RMSE")
    assert read.source.notices == (
        "old.ini:12: [IO_INFORMATION] profile has no effect: a compiled chunk of steps "
        "has no batches to profile.",
        "old.ini:15: [IO_INFORMATION] shuffle_buffer_size_multiplier has no effect: "
        "the whole data set is shuffled.",
        "old.ini:23: [DATA_INFORMATION] examples_name has no effect: names are read "
        "where the records have them.",
        "old.ini:37: [TRAINING_PARAMETERS] floss_function has no effect: "
        "forces_cost is 0, so that forces are not trained.",
        "old.ini:48: [PARALLELIZATION] num_parallel_calls has no effect: "
        "[IO_INFORMATION] num_parallel_calls is given.",
    )


def test_a_training_file_of_panna_1(tmp_path, monkeypatch):
    read = loaded(tmp_path, monkeypatch, TRAIN_1, config.load_train)
    assert read.io.input_format == "tfr"
    assert read.io.num_parallel_readers == 2
    assert read.io.dataset_cache is True
    assert read.io.threads == 2
    assert read.io.log_frequency == 10
    assert read.training.adam_eps == 1e-7  # PANNA 1 had 1e-8
    assert read.training.steps_per_epoch == 200
    assert read.training.max_epochs == 11
    assert read.training.total_steps == 2005
    assert read.elements["C"].behavior == ("keep", "load")
    assert read.element_network("C").layer_files == {
        1: (Path("w1.npy"), Path("b1.npy"))
    }
    assert read.source.notices == (
        "old.ini:5: [IO_INFORMATION] input_format = TFR is read as tfr.",
        "old.ini:8: [IO_INFORMATION] tensorboard_log_frequency has no effect: "
        "[IO_INFORMATION] log_frequency is given.",
        "old.ini:9: [IO_INFORMATION] avg_speed_steps is an old name of "
        "[IO_INFORMATION] avg_speed_step.",
        "old.ini:9: [IO_INFORMATION] avg_speed_step has no effect: the progress bar "
        "shows the mean speed.",
        "old.ini:10: [IO_INFORMATION] log_device_placement has no effect: devices are "
        "chosen by TensorFlow.",
        "old.ini:12: [PARALLELIZATION] num_parallel_readers is an old name of "
        "[IO_INFORMATION] num_parallel_readers.",
        "old.ini:13: [PARALLELIZATION] dataset_cache is an old name of "
        "[IO_INFORMATION] dataset_cache.",
        "old.ini:14: [PARALLELIZATION] inter_op_parallelism_threads has no effect: "
        "operations run one after the other.",
        "old.ini:15: [PARALLELIZATION] intra_op_parallelism_threads is an old name of "
        "[IO_INFORMATION] threads.",
        "old.ini:16: [LEARNING_PARAMETERS] is an old name of [TRAINING_PARAMETERS].",
        "old.ini:23: [DATA_INFORMATION] scaffold_type has no effect: there is one kind "
        "of scaffold.",
        "old.ini:25: [DEFAULT_NETWORK] nn_type = A2AFF is read as a2aff.",
    )


def test_a_descriptor_file_of_panna_1(tmp_path, monkeypatch):
    read = loaded(tmp_path, monkeypatch, GVECT_1, config.load_gvect)
    assert read.pbc.use_pbc == (True, False, True)
    assert read.symmetry_function.mbp_generation == 3
    assert read.source.notices == (
        "old.ini:10: [PBC] pbc1 .. pbc3 are old names of [PBC] use_pbc.",
        "old.ini:13: [MISC] long_range has no effect: off is the only choice.",
        "old.ini:20: [GVECT_PARAMETERS] Rsst_rad has no effect: it follows from Rc, "
        "Rs0 and RsN; a value that disagrees with them is an error, because PANNA 2.0 "
        "would silently ignore it.",
    )


def test_an_evaluation_file_of_panna_1(tmp_path, monkeypatch):
    read = loaded(tmp_path, monkeypatch, EVALUATE_1, config.load_evaluate)
    assert read.io.networks_dir == Path("run/_models")
    assert read.io.input_format == "bin"
    assert read.source.is_given("IO_INFORMATION", "networks_dir")
    assert not read.source.is_given("IO_INFORMATION", "train_ini")
    assert len(read.source.notices) == 7  # every old key but those that stayed


def test_an_extraction_file_of_panna_1(tmp_path, monkeypatch):
    read = loaded(tmp_path, monkeypatch, EXTRACT_1, config.load_extract)
    assert read.io.network_dir == Path("run/_models")
    assert read.source.notices == (
        "old.ini:3: [IO_INFORMATION] train_dir is an old name of [IO_INFORMATION] "
        "network_dir, the folder _models inside it.",
    )


def test_an_extraction_file_of_panna_2(tmp_path, monkeypatch):
    """Keys of other outputs, and files that they name, do not matter to PANNA."""
    text = EXTRACT_1.replace("train_dir = ./run/", "network_dir = ./run/_models") + (
        "gvector_input = absent.ini\ngvector_version = 0\noutput_file = panna.in\n"
    )
    read = loaded(tmp_path, monkeypatch, text, config.load_extract)
    assert read.io.output_type == ("PANNA",)
    assert read.descriptor is None
    assert [notice.partition("] ")[2] for notice in read.source.notices] == [
        f"{key} has no effect: it belongs to output_type = {types}."
        for key, types in (
            ("gvector_input", "LAMMPS, ASE or KIM"),
            ("gvector_version", "LAMMPS"),
            ("output_file", "LAMMPS"),
        )
    ]


def test_an_extraction_file_of_panna_2_for_its_plugin(tmp_path, monkeypatch):
    text = EXTRACT_1.replace("= PANNA", "= LAMMPS") + "gvector_input = gvect.ini\n"
    (tmp_path / "gvect.ini").write_text(GVECT_1)
    read = loaded(tmp_path, monkeypatch, text, config.load_extract)
    assert read.io.output_type == ("LAMMPS",)
    assert (read.io.output_file, read.io.gvector_version) == ("panna.in", 1)
    assert read.descriptor.symmetry_function.species == ("C",)


def test_a_packing_file_of_panna_1(tmp_path, monkeypatch):
    text = (
        "[IO_INFORMATION]\ninput_dir = b\noutput_dir = t\nprefix =\n"
        "[CONTENT_INFORMATION]\nn_species = 4\ninclude_derivatives = yes\n"
    )
    read = loaded(tmp_path, monkeypatch, text, config.load_tfr)
    assert read.io.prefix is None
    assert read.content.include_derivatives
    assert len(read.source.notices) == 1


@pytest.mark.parametrize(
    ("section", "load", "text"),
    [
        ("SYMMETRY_FUNCTION", config.load_gvect, GVECT_1),
        (
            "CONTENT_INFORMATION",
            config.load_tfr,
            "[IO_INFORMATION]\ninput_dir = b\noutput_dir = t\n[CONTENT_INFORMATION]\n",
        ),
    ],
)
def test_sparse_derivatives_alone_ask_for_nothing(
    tmp_path, monkeypatch, section, load, text
):
    idle = text.replace(f"[{section}]", f"[{section}]\nsparse_derivatives = True")
    notices = loaded(tmp_path, monkeypatch, idle, load).source.notices
    message = f"[{section}] sparse_derivatives has no effect: include_derivatives ="
    assert sum(message in notice for notice in notices) == 1
    asked = idle.replace("sparse_", "include_derivatives = True\nsparse_")
    notices = loaded(tmp_path, monkeypatch, asked, load).source.notices
    assert not any(message in notice for notice in notices)


@pytest.mark.parametrize(
    ("text", "load", "message"),
    [
        (
            TRAIN_1.replace("quad_std_atom", "quad_exp_tanh_atom"),
            config.load_train,
            "old.ini:20: [TRAINING_PARAMETERS] loss_function = quad_exp_tanh_atom: not "
            "available. PANNA 2.0 dropped it. Write loss_function = quad_atom.",
        ),
        (
            TRAIN_1.replace("scaffold_type = PANNA", "scaffold_type = other"),
            config.load_train,
            "old.ini:23: [DATA_INFORMATION] scaffold_type = other: not available. "
            "Remove the key.",
        ),
        (
            TRAIN_1.replace("inter_op", "outer_op"),
            config.load_train,
            "old.ini:14: unknown key 'outer_op_parallelism_threads' in "
            "[PARALLELIZATION]. Remove it or check its section.",
        ),
        (
            EXTRACT_1 + "network_dir = ./other\n",
            config.load_extract,
            "old.ini:3: [IO_INFORMATION] train_dir = ./run/: it is an old name of "
            "[IO_INFORMATION] network_dir, which is given in line 7 with another "
            "value. Keep one.",
        ),
        (
            EVALUATE_1.replace("tf_checkpoint", "PANNA"),
            config.load_evaluate,
            "old.ini:6: [IO_INFORMATION] networks_format = PANNA: not available. Give "
            "networks_dir a folder of checkpoints and remove the key.",
        ),
    ],
)
def test_what_is_gone_names_the_alternative(tmp_path, monkeypatch, text, load, message):
    with pytest.raises(InputError) as error:
        loaded(tmp_path, monkeypatch, text, load)
    assert error.value.problems == [message]


PANNA_2_KEYS = {
    config.load_gvect: """
        IO_INFORMATION input_json_dir output_gvect_dir log_dir
        SYMMETRY_FUNCTION type species include_derivatives sparse_derivatives
        PARALLELIZATION number_of_process
        PBC use_pbc
        MISC per_atom_energy
        LONG_RANGE long_range_el acc_factor kmax r_screen PBC
        GVECT_PARAMETERS gvect_parameters_unit Rc_rad Rs0_rad RsN_rad Rs_rad_list
          eta_rad Rc_ang Rs0_ang RsN_ang Rs_ang_list eta_ang ThetasN Thetas_list zeta
          Rsst_rad Rsst_ang""",
    config.load_tfr: """
        IO_INFORMATION input_dir output_dir elements_per_file prefix
        CONTENT_INFORMATION n_species include_derivatives sparse_derivatives
          include_per_atom_quantity long_range_el""",
    config.load_train: """
        IO_INFORMATION data_dir train_dir input_format gvect_ini log_frequency
          save_checkpoint_steps max_ckpt_to_keep restart_mode restart_epoch restart_step
          restart_file metrics progbar_interval profile starting_model_save
          final_model_save shuffle_buffer_size_multiplier
          prefetch_buffer_size_multiplier num_parallel_readers num_parallel_calls
          dataset_cache dataset_shuffle avg_speed_step log_device_placement
        TRAINING_PARAMETERS batch_size learning_rate learning_rate_constant
          learning_rate_decay_step learning_rate_decay_factor staircase_decay_type beta1
          beta2 adam_eps wscale_l1 wscale_l2 bscale_l1 bscale_l2 clip_value
          loss_function energy_weight energy_reduction energy_prefactor forces_cost
          floss_function force_weights force_reduction charge_cost qloss_function
          charge_weights charge_reduction max_epochs steps_per_epoch max_steps
        DATA_INFORMATION atomic_sequence output_offset energy_rescale
          sparse_derivatives examples_name max_atoms
        LONG_RANGE long_range_el min_eigenvalue constrain_even_terms
        DEFAULT_NETWORK nn_type g_size architecture trainable activations output_offset
          networks_metadata normalization_technique
        H nn_type g_size architecture trainable activations output_offset behavior
          prunable sparsity starting_masks pruning_weights
        VALIDATION_OPTIONS data_dir batch_size input_format""",
    config.load_evaluate: """
        IO_INFORMATION data_dir train_ini networks_dir eval_dir input_format gvect_ini
        VALIDATION_OPTIONS single_step epoch_number step_number subsampling start end
          compute_forces batch_size
        LONG_RANGE long_range_el long_range_vdw""",
    config.load_extract: """
        IO_INFORMATION network_dir step_number output_dir output_type output_file
          gvector_input train_input gvector_version long_range_el""",
}


@pytest.mark.parametrize("load", PANNA_2_KEYS, ids=lambda load: load.__name__)
def test_every_key_of_panna_2_is_known(tmp_path, monkeypatch, load):
    """Whatever else is wrong with nonsense values, no key is unknown."""
    text = ""
    for word in PANNA_2_KEYS[load].split():
        is_section = word.isupper() and f"{word}]\n" not in text
        text += f"[{word}]\n" if is_section else f"{word} = ?\n"
    text = text.replace("atomic_sequence = ?", "atomic_sequence = H")
    with pytest.raises(InputError) as error:
        loaded(tmp_path, monkeypatch, text, load)
    assert not [text for text in error.value.problems if "unknown" in text]
