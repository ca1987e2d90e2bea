"""What is wrong with an INI file is told at once, line by line."""

import pytest

from annpot import config
from annpot.errors import InputError

GOOD = {
    "IO_INFORMATION": {"data_dir": "tfr", "train_dir": "run"},
    "DATA_INFORMATION": {"atomic_sequence": "H, O", "output_offset": "-13.6, -2041.8"},
    "TRAINING_PARAMETERS": {
        "batch_size": "20",
        "steps_per_epoch": "100",
        "max_epochs": "10",
    },
    "DEFAULT_NETWORK": {"g_size": "128", "architecture": "128:32:1"},
}


def train_ini(changes):
    """INI text of GOOD with changes {(section, key): value or None to remove}."""
    sections = {name: dict(keys) for name, keys in GOOD.items()}
    for (name, key), value in changes.items():
        keys = sections.setdefault(name, {})
        if value is None:
            keys.pop(key)
        else:
            keys[key] = value
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
        for name, keys in sections.items()
    )


def problems(tmp_path, text, load=config.load_train):
    """Problems of a file, without folder, line numbers and summary."""
    path = tmp_path / "train.ini"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        load(path)
    return [text.partition(": ")[2] for text in error.value.problems]


def test_all_problems_are_told_at_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.ini").write_text(
        "[IO_INFORMATION]\n"
        "train_dir = run\n"
        "[DATA_INFORMATION]\n"
        "atomic_sequence = H, O\n"
        "[DEFAULT_NETWORK]\n"
        "architecture = 128:32:1\n"
        "[TRAINING_PARAMETERS]\n"
        "learnig_rate = 0.01\n"
        "batch_size = 0\n"
        "max_steps = 1000\n"
        "[O]\n"
        "activations = 1:0\n"
        "[VALIDATION_OPTION]\n"
        "data_dir = tfr_val\n"
    )
    with pytest.raises(InputError) as error:
        config.load_train("train.ini")
    assert str(error.value).splitlines() == [
        "train.ini:8: unknown key 'learnig_rate' in [TRAINING_PARAMETERS]. Did you "
        "mean 'learning_rate'?",
        "train.ini:9: [TRAINING_PARAMETERS] batch_size = 0: expected an integer >= 1 "
        "and <= 1e7.",
        "train.ini:12: [O] architecture of [DEFAULT_NETWORK] has 3 layers but "
        "activations has 2. Give one activation per layer.",
        "train.ini:13: unknown section [VALIDATION_OPTION]. Did you mean "
        "[VALIDATION_OPTIONS]?",
        "4 problems in train.ini. Keywords: doc/keywords.md",
    ]
    assert error.value.exit_code == 2


IO, TRAINING = "IO_INFORMATION", "TRAINING_PARAMETERS"
DATA, DEFAULT = "DATA_INFORMATION", "DEFAULT_NETWORK"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {(IO, "train_dir"): None},
            "[IO_INFORMATION] train_dir is missing: expected a path (folder of "
            "everything the run writes).",
        ),
        (
            {(IO, "train_dir"): None, (IO, "train_dri"): "run"},
            "unknown key 'train_dri' in [IO_INFORMATION]. Did you mean 'train_dir'?",
        ),
        (
            {(IO, "learning_rate"): "0.1"},
            "unknown key 'learning_rate' in [IO_INFORMATION]. It belongs to "
            "[TRAINING_PARAMETERS].",
        ),
        (
            {(TRAINING, "colour"): "red"},
            "unknown key 'colour' in [TRAINING_PARAMETERS]. Remove it or check its "
            "section.",
        ),
        (
            {(TRAINING, "beta1"): "1"},
            "[TRAINING_PARAMETERS] beta1 = 1: expected a number >= 0 and < 1.",
        ),
        (
            {(TRAINING, "batch_size"): "twenty"},
            "[TRAINING_PARAMETERS] batch_size = twenty: expected an integer >= 1 "
            "and <= 1e7.",
        ),
        (
            {(TRAINING, "batch_size"): "1e30"},
            "[TRAINING_PARAMETERS] batch_size = 1e30: expected an integer >= 1 "
            "and <= 1e7.",
        ),
        (
            {(DEFAULT, "architecture"): "2000000:1"},
            "[DEFAULT_NETWORK] architecture = 2000000:1: expected a colon list of "
            "layer sizes, each an integer >= 1 and <= 1e6, as in 128:32:1; "
            "'2000000' is not one of them.",
        ),
        (
            {(TRAINING, "loss_function"): "cubic"},
            "[TRAINING_PARAMETERS] loss_function = cubic: expected one of quad, "
            "exp_quad, quad_atom, quad_std_atom, exp_quad_atom.",
        ),
        (
            {(IO, "metrics"): "MAE, RMS"},
            "[IO_INFORMATION] metrics = MAE, RMS: expected a comma list of MAE, RMSE, "
            "MSE, MAPE, R2, loss.",
        ),
        (
            {(DATA, "atomic_sequence"): "H, Ox"},
            "[DATA_INFORMATION] atomic_sequence = H, Ox: expected a comma list of "
            "chemical symbols; 'Ox' is not a chemical symbol.",
        ),
        (
            {(DATA, "output_offset"): "-13.6"},
            "[DATA_INFORMATION] output_offset has 1 value but atomic_sequence has 2 "
            "elements (H, O). Give one offset per element, in the same order.",
        ),
        (
            {("Na", "g_size"): "4"},
            "[Na] is not an element of atomic_sequence (H, O). Add it there or remove "
            "the section.",
        ),
        (
            {("Oxygen", "g_size"): "4"},
            "unknown section [Oxygen]. Known: IO_INFORMATION, TRAINING_PARAMETERS, "
            "DATA_INFORMATION, DEFAULT_NETWORK, VALIDATION_OPTIONS, LONG_RANGE, LOCAL, "
            "STAGE:name, H, O.",
        ),
        (
            {("validation_options", "data_dir"): "v"},
            "unknown section [validation_options]. Did you mean [VALIDATION_OPTIONS]?",
        ),
        (
            {(TRAINING, "learning_rate_constant"): "no"},
            "[TRAINING_PARAMETERS] learning_rate_constant = False needs "
            "learning_rate_decay_step. Give it, or set learning_rate_constant = True.",
        ),
        (
            {(TRAINING, "max_epochs"): None},
            "[TRAINING_PARAMETERS] max_epochs is missing. Give max_epochs and "
            "steps_per_epoch, or max_steps.",
        ),
        (
            {(TRAINING, "max_steps"): "500"},
            "[TRAINING_PARAMETERS] max_steps = 500 but max_epochs = 10 of 100 steps "
            "are 1000 steps. Keep max_steps, or max_epochs with steps_per_epoch.",
        ),
        (
            {
                (TRAINING, "energy_weight"): "n_atoms",
                (TRAINING, "loss_function"): "quad_atom",
            },
            "[TRAINING_PARAMETERS] energy_weight = n_atoms cannot be used with "
            "loss_function = quad_atom, which divides by the number of atoms already. "
            "Remove energy_weight, or use loss_function = quad or exp_quad.",
        ),
        (
            {(IO, "restart_mode"): "specific_ckpt"},
            "[IO_INFORMATION] restart_mode = specific_ckpt needs restart_file, the "
            "path of a checkpoint without .index.",
        ),
        (
            {(IO, "restart_mode"): "metadata"},
            "[IO_INFORMATION] restart_mode = metadata needs [DEFAULT_NETWORK] "
            "networks_metadata, a folder of extracted networks.",
        ),
        (
            {(DEFAULT, "architecture"): "128:32"},
            "[DEFAULT_NETWORK] architecture = 128:32: the last layer gives the atomic "
            "energy and has size 1, found 32.",
        ),
        (
            {(DEFAULT, "architecture"): None},
            "no architecture for H, O. Give [DEFAULT_NETWORK] architecture, or "
            "networks_metadata to start from extracted networks.",
        ),
        (
            {(DEFAULT, "trainable"): "1:1"},
            "[DEFAULT_NETWORK] architecture has 3 layers but trainable has 2. Give one "
            "flag per layer.",
        ),
        (
            {(DEFAULT, "trainable"): "1:1:1", ("O", "architecture"): "64:1"},
            "[O] architecture has 2 layers but inherits trainable with 3. Give one "
            "flag per layer.",
        ),
        (
            {("O", "behavior"): "new:new:load"},
            "[O] behavior of layer 2 is load but there is nothing to load. Give "
            "[DEFAULT_NETWORK] networks_metadata, or layer2_w_file and layer2_b_file, "
            "or write new.",
        ),
        (
            {("O", "behavior"): "new:new:keep"},
            "[O] behavior of layer 2 is keep but there is nothing to keep. Give "
            "[DEFAULT_NETWORK] networks_metadata, or write new.",
        ),
        (
            {("O", "layer3_w_file"): "w.npy"},
            "[O] layer3_w_file: there are 3 layers, counted from 0 to 2.",
        ),
        (
            {("O", "layer0_w_file"): "w.npy", ("O", "behavior"): "new:new:new"},
            "[O] layer0_w_file is given but behavior of layer 0 is new. Write load for "
            "this layer or remove the key.",
        ),
        (
            {("O", "layer0_w_file"): ""},
            "[O] layer0_w_file =: expected a path; found nothing.",
        ),
    ],
)
def test_a_problem_of_a_training_file(tmp_path, changes, message):
    assert message in problems(tmp_path, train_ini(changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {("LONG_RANGE", "long_range_el"): "True"},
            "[LONG_RANGE] long_range_el = True: not available yet in this version. Set "
            "long_range_el = False.",
        ),
        (
            {("LONG_RANGE", "min_eigenvalue"): "0.1"},
            "[LONG_RANGE] min_eigenvalue = 0.1: not available yet in this version. "
            "Remove the key; networks are trained without charges.",
        ),
        (
            {("LONG_RANGE", "constrain_even_terms"): "True"},
            "[LONG_RANGE] constrain_even_terms = True: not available yet in this "
            "version. Remove the key; networks are trained without charges.",
        ),
        (
            {("H", "prunable"): "1:0:0"},
            "[H] prunable = 1:0:0: not available yet in this version. Remove the key; "
            "networks are trained with all their weights.",
        ),
    ],
)
def test_what_is_not_available_names_the_alternative(tmp_path, changes, message):
    assert problems(tmp_path, train_ini(changes)) == [message]


def test_keys_that_are_not_available_may_be_off(tmp_path):
    off = {
        (TRAINING, "charge_cost"): "0",
        (IO, "starting_model_save"): "-1",
        (IO, "final_model_save"): "-1",
        (DEFAULT, "normalization_technique"): "None",
        ("LONG_RANGE", "long_range_el"): "no",
        ("H", "prunable"): "0:0:0",
    }
    path = tmp_path / "train.ini"
    path.write_text(train_ini(off))
    assert config.load_train(path).source.notices == ()


def test_a_follow_up_of_a_told_problem_is_not_told(tmp_path):
    """A wrong atomic_sequence does not make strangers of the element sections."""
    changes = {(DATA, "atomic_sequence"): "H; O", ("O", "g_size"): "128"}
    assert problems(tmp_path, train_ini(changes)) == [
        "[DATA_INFORMATION] atomic_sequence = H; O: expected a comma list of chemical "
        "symbols; 'H; O' is not a chemical symbol."
    ]


GVECT = """
[IO_INFORMATION]
input_json_dir = examples
[SYMMETRY_FUNCTION]
type = mBP
species = H, O
[GVECT_PARAMETERS]
Rc_rad = 4.6
RsN_rad = 16
eta_rad = 16
Rc_ang = 3.1
Rs0_ang = 0.5
RsN_ang = 4
eta_ang = 6
ThetasN = 8
zeta = 50
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "type = mBP",
            "type = SB",
            "[SYMMETRY_FUNCTION] type = SB: expected one of mBP, BP.",
        ),
        (
            "species = H, O",
            "species = H, O\nmbp_generation = 4",
            "[SYMMETRY_FUNCTION] mbp_generation = 4: expected an integer >= 0 and <= "
            "3.",
        ),
        (
            "species = H, O",
            "species = H, O\ninclude_derivatives = dense",
            "[SYMMETRY_FUNCTION] include_derivatives = dense: expected True or False.",
        ),
        (
            "RsN_rad = 16\n",
            "",
            "[GVECT_PARAMETERS] RsN_rad is missing: type = mBP needs RsN_rad or "
            "Rs_rad_list.",
        ),
        (
            "eta_ang = 6",
            "eta_ang = 6, 7",
            "[GVECT_PARAMETERS] eta_ang has 2 values but there are 4 centres. Give one "
            "value, or one per centre.",
        ),
        (
            "Rs0_ang = 0.5",
            "Rs0_ang = 5",
            "[GVECT_PARAMETERS] Rs0_ang = 5: expected less than Rc_ang = 3.1.",
        ),
        (
            "zeta = 50",
            "zeta = 50\nRsst_ang = 0.5",
            "[GVECT_PARAMETERS] Rsst_ang = 0.5: the centres are (Rc_ang - Rs0_ang) / "
            "RsN_ang = 0.65 apart. Remove the key, or list the centres in Rs_ang_list.",
        ),
        (
            "ThetasN = 8",
            "ThetasN = 100000000",
            "[GVECT_PARAMETERS] ThetasN = 100000000: expected an integer >= 1 and <= "
            "10000.",
        ),
        (
            "zeta = 50",
            "zeta = 1e7",
            "[GVECT_PARAMETERS] zeta = 1e7: expected a comma list of numbers > 0 and "
            "<= 1e6.",
        ),
        (
            "zeta = 50",
            "zeta = 50\n[PBC]\nuse_pbc = True, False",
            "[PBC] use_pbc has 2 values: expected three, one for each cell vector.",
        ),
        (
            "zeta = 50",
            "zeta = 50\ngvect_parameters_unit = nm",
            "[GVECT_PARAMETERS] gvect_parameters_unit = nm: expected one of au, bohr, "
            "bohr_radius, BOHR, a, A, angstrom, Angstrom, ANGSTROM.",
        ),
        (
            "Rc_rad = 4.6",
            "rc_radd = 4.6",
            "unknown key 'rc_radd' in [GVECT_PARAMETERS]. Did you mean 'Rc_rad'?",
        ),
    ],
)
def test_a_problem_of_a_descriptor_file(tmp_path, old, new, message):
    text = GVECT.replace(old, new)
    assert problems(tmp_path, text, config.load_gvect) == [message]


def test_a_form_of_extraction_that_there_is_not(tmp_path):
    text = "[IO_INFORMATION]\nnetwork_dir = run/_models\noutput_type = {}\n"
    (told,) = problems(tmp_path, text.format("ASE, CP2K"), config.load_extract)
    assert told == (
        "[IO_INFORMATION] output_type = ASE, CP2K: expected a comma list of PANNA, "
        "LAMMPS, ASE, KIM."
    )
    (told,) = problems(tmp_path, text.format(""), config.load_extract)
    assert "output_type" in told


def test_the_file_of_a_lammps_export_has_no_folder(tmp_path):
    text = "[IO_INFORMATION]\nnetwork_dir = m\noutput_type = LAMMPS\noutput_file = a/b"
    assert problems(tmp_path, text, config.load_extract) == [
        "[IO_INFORMATION] output_file = a/b: expected the name of a file without a "
        "folder. Name the folder in output_dir."
    ]


def test_a_step_of_centres_is_accepted_where_it_agrees(tmp_path):
    path = tmp_path / "gvect.ini"
    path.write_text(GVECT.replace("zeta = 50", "zeta = 50\nRsst_ang = 0.65"))
    (notice,) = config.load_gvect(path).source.notices
    assert notice.partition(": ")[2] == (
        "[GVECT_PARAMETERS] Rsst_ang has no effect: it follows from Rc, Rs0 and RsN; a "
        "value that disagrees with them is an error, because PANNA 2.0 would silently "
        "ignore it."
    )


def test_a_step_beside_listed_centres_is_only_told(tmp_path):
    path = tmp_path / "gvect.ini"
    listed = "zeta = 50\nRs_ang_list = 1, 2, 3, 4\nRsst_ang = 7"
    path.write_text(GVECT.replace("zeta = 50", listed))
    (notice,) = config.load_gvect(path).source.notices
    assert "Rsst_ang has no effect" in notice


def test_minus_one_is_the_newest_checkpoint(tmp_path):
    path = tmp_path / "evaluate.ini"
    path.write_text(
        "[IO_INFORMATION]\ndata_dir = a\nnetworks_dir = b\neval_dir = c\n"
        "[VALIDATION_OPTIONS]\nsingle_step = True\nepoch_number = -1\n"
        "step_number = -1\n"
    )
    options = config.load_evaluate(path).validation
    assert (options.epoch_number, options.step_number) == (None, None)
    path.write_text(path.read_text().replace("step_number = -1", "step_number = -2"))
    assert problems(tmp_path, path.read_text(), config.load_evaluate) == [
        "[VALIDATION_OPTIONS] step_number = -2: expected an integer >= -1 and <= 1e12."
    ]


OF_A_MODEL = "[IO_INFORMATION]\ndata_dir = a\neval_dir = c\n"


def test_a_model_or_checkpoints_are_evaluated(tmp_path):
    (missing,) = problems(tmp_path, OF_A_MODEL, config.load_evaluate)
    assert missing == (
        "[IO_INFORMATION] networks_dir is missing: expected it, a folder of "
        "checkpoints, or model_dir, a folder with model.json."
    )
    both = OF_A_MODEL + "model_dir = m\nnetworks_dir = n\ntrain_ini = t\n"
    found = problems(
        tmp_path,
        f"{both}[VALIDATION_OPTIONS]\nsingle_step = False\nsplit = test\nend = 2\n",
        config.load_evaluate,
    )
    assert found[0] == (
        "[IO_INFORMATION] networks_dir and model_dir: expected one of the two. Remove "
        "the other."
    )
    for key, problem in zip(("train_ini", "single_step", "split", "end"), found[1:],
                            strict=True):  # fmt: skip
        assert f"] {key} is about checkpoints, but model_dir gives a model" in problem
    path = tmp_path / "evaluate.ini"
    path.write_text(OF_A_MODEL + "model_dir = m\n")
    read = config.load_evaluate(path)
    assert (read.io.networks_dir, read.io.input_format) == (None, "tfr")


def test_the_flag_of_folders_wins_over_the_file(tmp_path):
    path = tmp_path / "gvect.ini"
    path.write_text(GVECT.replace("input_json_dir = examples", "log_dir = elsewhere"))
    loaded = config.load_gvect(path, tmp_path / "water")
    assert loaded.io.input_json_dir == tmp_path / "water" / "examples"
    assert loaded.io.output_gvect_dir == tmp_path / "water" / "bin"
    assert loaded.io.log_dir == tmp_path / "water"
    assert f"log_dir = {tmp_path / 'water'}\n" in loaded.source.expanded_text()


TFR = "[IO_INFORMATION]\ninput_dir = b\noutput_dir = t\nelements_per_file = 10\n"
EVALUATE = """\
[IO_INFORMATION]
data_dir = a
networks_dir = b
eval_dir = c
[VALIDATION_OPTIONS]
single_step = True
"""


@pytest.mark.parametrize(
    ("text", "load", "found", "wanted"),
    [
        (EVALUATE, config.load_train, "app_evaluate", "app_train"),
        (EVALUATE + "plott = True", config.load_train, "app_evaluate", "app_train"),
        (GVECT, config.load_tfr, "app_gvect_calculator", "app_tfr_packer"),
        (TFR, config.load_gvect, "app_tfr_packer", "app_gvect_calculator"),
        (train_ini({}), config.load_extract, "app_train", "app_extract_weights"),
        (
            train_ini({("LOCAL", "threads"): "1", ("STAGE:a", "parent"): "b"}),
            config.load_evaluate,
            "app_train",
            "app_evaluate",
        ),
    ],
)
def test_a_file_of_another_command_is_told_as_such(tmp_path, text, load, found, wanted):
    assert problems(tmp_path, text, load) == [
        f"is an INI file of {found}, expected one of {wanted}. Give the right file, or "
        f"start {found} with it."
    ]


def test_two_misspelt_keys_do_not_make_a_file_another_command_s(tmp_path):
    changes = {(IO, "eval_dri"): "x", (IO, "networks_dri"): "y"}
    assert len(problems(tmp_path, train_ini(changes))) == 2
