"""The network of an element is its own section over [DEFAULT_NETWORK]."""

from pathlib import Path

from annpot import config

TEXT = """
[IO_INFORMATION]
train_dir = run
[DATA_INFORMATION]
atomic_sequence = H, C, O
output_offset = -1, -2, -3
[TRAINING_PARAMETERS]
batch_size = 1
max_steps = 1
[DEFAULT_NETWORK]
g_size = 10
architecture = 8:4:1
trainable = 1:1:1
activations = 1:1:0
output_offset = -9
[C]
architecture = 16:1
trainable = 0:1
activations = th:l
output_offset = -2.5
layer0_w_file = c0.npy
"""


def network(tmp_path, symbol, text=TEXT):
    path = tmp_path / "train.ini"
    path.write_text(text)
    return config.load_train(path).element_network(symbol)


def test_an_element_without_section_is_the_default(tmp_path):
    hydrogen = network(tmp_path, "H")
    assert hydrogen.symbol == "H"
    assert hydrogen.g_size == 10
    assert hydrogen.architecture == (8, 4, 1)
    assert hydrogen.trainable == (True, True, True)
    assert hydrogen.activations == (1, 1, 0)
    assert hydrogen.behavior is None
    assert hydrogen.layer_files == {}


def test_an_element_section_wins(tmp_path):
    carbon = network(tmp_path, "C")
    assert carbon.g_size == 10
    assert carbon.architecture == (16, 1)
    assert carbon.trainable == (False, True)
    assert carbon.activations == (4, 0)
    assert carbon.layer_files == {0: (Path("c0.npy"), None)}


def test_offsets_come_from_the_closest_place(tmp_path):
    """[X], then [DATA_INFORMATION], then [DEFAULT_NETWORK], else unknown; eV."""
    assert network(tmp_path, "C").output_offset == -2.5
    assert network(tmp_path, "O").output_offset == -3
    without_list = TEXT.replace("output_offset = -1, -2, -3\n", "")
    assert network(tmp_path, "O", without_list).output_offset == -9
    without_any = without_list.replace("output_offset = -9\n", "")
    assert network(tmp_path, "O", without_any).output_offset is None


def test_metadata_leaves_open_what_the_file_does_not_say(tmp_path):
    start = TEXT.index("[DEFAULT_NETWORK]")
    text = TEXT[:start] + "[DEFAULT_NETWORK]\nnetworks_metadata = nets\n"
    oxygen = network(tmp_path, "O", text)
    assert oxygen.g_size is None
    assert oxygen.architecture is None
    assert oxygen.trainable is None
    assert oxygen.activations is None


def test_shipped_retraining_has_a_rule_for_each_element():
    path = Path(__file__).parents[2] / "input_files" / "train2.ini"
    read = config.load_train(path)
    rules = {symbol: read.element_network(symbol) for symbol in "HCON"}
    assert (rules["N"].trainable, rules["N"].behavior) == (None, None)
    assert rules["O"].trainable == (False, False, False)
    assert rules["C"].behavior == ("load", "new", "new")
    assert rules["H"].architecture == (128, 64, 32, 1)
    assert rules["H"].behavior == ("load", "new", "new", "new")


def test_a_power_without_standardize_is_told(tmp_path):
    path = tmp_path / "train.ini"
    path.write_text(TEXT.replace("g_size = 10", "g_size = 10\nstandardize_power = 0.5"))
    (notice,) = config.load_train(path).source.notices
    assert "standardize_power has no effect without standardize = True." in notice
