"""Keys of app_train: where data come from, how to start, how often to write."""

from pathlib import Path
from typing import ClassVar, Literal

from annpot.config.grammar import (
    AUTO_BOOLEAN,
    BOOLEAN,
    INTEGER,
    NUMBER,
    PATH,
    RANGE,
    WORD,
    WORD_LIST,
)
from annpot.config.schema.keys import REQUIRED, Section, key

RESTART_MODES = Literal[
    "default",
    "force_default",
    "continue_from_last_ckpt",
    "specific_ckpt",
    "metadata",
    "no",
]


class TrainIo(Section):
    """Where data come from, where results go, how often they are written."""

    name: ClassVar[str] = "IO_INFORMATION"
    about: ClassVar[str] = "Data, results, how to start, how often to write."

    data_dir: Path = key(
        PATH,
        Path("tfrs"),
        help="folder of the data to train on; a file for input_format = example",
    )
    train_dir: Path = key(
        PATH, REQUIRED, affects_result=False, help="folder of everything the run writes"
    )
    input_format: Literal["tfr", "example", "structure"] = key(
        WORD,
        "tfr",
        help="data: TFRecords of descriptors, .example files (or a file that ASE "
        "reads), or TFRecords of structures (structure is ours)",
    )
    gvect_ini: Path | None = key(
        PATH,
        None,
        help="INI file of app_gvect_calculator whose [SYMMETRY_FUNCTION] and "
        "[GVECT_PARAMETERS] say which descriptors to make, for input_format = example "
        "or structure",
    )
    restart_mode: RESTART_MODES = key(
        WORD,
        "default",
        help="how to start, see Restart modes",
    )
    restart_file: Path | None = key(
        PATH, None, help="checkpoint of restart_mode = specific_ckpt, without .index"
    )
    restart_epoch: int | None = key(
        INTEGER,
        None,
        ge=0,
        le=10**9,
        help="for a checkpoint of another program: epochs done; annpot's own know",
        default_text="read from the checkpoint, else 0",
    )
    restart_step: int | None = key(
        INTEGER,
        None,
        ge=0,
        le=10**12,
        help="for a checkpoint of another program: steps done; annpot's own know",
        default_text="read from the checkpoint, else 0",
    )
    save_checkpoint_steps: int | None = key(
        INTEGER,
        None,
        ge=1,
        le=10**12,
        unit="steps",
        affects_result=False,
        help="steps between checkpoints",
        default_text="once per epoch (PANNA: log_frequency)",
    )
    log_frequency: int = key(
        INTEGER,
        1,
        ge=1,
        le=10**12,
        unit="steps",
        affects_result=False,
        help="steps between TensorBoard scalars",
    )
    metrics: tuple[Literal["MAE", "RMSE", "loss"], ...] = key(
        WORD_LIST,
        ("MAE",),
        affects_result=False,
        help="columns of metrics.dat; epoch lines always show loss, MAE and RMSE",
    )
    progbar_interval: float = key(
        NUMBER,
        1.0,
        gt=0,
        le=10**9,
        unit="s",
        affects_result=False,
        help="seconds between updates of the progress bar",
    )
    dataset_shuffle: bool = key(
        BOOLEAN, True, help="draw a new order of the records in each pass"
    )
    dataset_cache: bool | Literal["auto"] = key(
        AUTO_BOOLEAN,
        "auto",
        affects_result=False,
        help="keep the data in memory; auto: when they fit into memory_budget_mb",
    )
    memory_budget_mb: float = key(
        NUMBER,
        2048.0,
        gt=0,
        le=10**9,
        unit="MB",
        affects_result=False,
        ours=True,
        help="largest data set that dataset_cache = auto keeps in memory; with forces "
        "the most that stored derivatives, and neighbour lists before they go to a "
        "temporary file in train_dir, may take",
    )
    num_parallel_readers: int = key(
        INTEGER,
        1,
        ge=1,
        le=1024,
        affects_result=False,
        help="batches read at the same time",
    )
    num_parallel_calls: int = key(
        INTEGER,
        1,
        ge=1,
        le=1024,
        affects_result=False,
        help="batches parsed at the same time",
    )
    prefetch_buffer_size_multiplier: int = key(
        INTEGER,
        10,
        ge=1,
        le=10**6,
        unit="batches",
        affects_result=False,
        help="batches prepared in advance when data are streamed",
    )
    derivatives: Literal["auto", "stored", "computed"] = key(
        WORD,
        "auto",
        ours=True,
        help="derivatives for forces and virials: stored in memory, or computed with "
        "the descriptors in each step (last bits differ); auto: what is estimated to "
        "be faster, told with its reason",
    )
    use_xla: bool | Literal["auto"] = key(
        AUTO_BOOLEAN,
        "auto",
        ours=True,
        help="compile the step with XLA; auto: for small steps (last bits differ)",
    )
    threads: int = key(
        INTEGER,
        0,
        ge=0,
        le=1024,
        ours=True,
        help="threads of one operation, 0 = TensorFlow's choice (last bits differ)",
    )
    shuffle_buffer_size_multiplier: int = key(
        INTEGER,
        10,
        ge=1,
        help="size of PANNA's shuffle buffer",
        without_effect="the whole data set is shuffled",
    )
    max_ckpt_to_keep: int = key(
        INTEGER,
        1000,
        ge=1,
        le=10**9,
        affects_result=False,
        help="newest checkpoints that are kept, older ones are removed",
    )
    profile: tuple[int, int] = key(
        RANGE,
        (0, 0),
        help="batches that TensorBoard profiles",
        without_effect="a compiled chunk of steps has no batches to profile",
    )
    avg_speed_step: int | None = key(
        INTEGER,
        None,
        help="steps over which speed is averaged",
        without_effect="the progress bar shows the mean speed",
    )
    log_device_placement: bool = key(
        BOOLEAN,
        False,
        help="log the device of each operation",
        without_effect="devices are chosen by TensorFlow",
    )
    starting_model_save: int = key(
        INTEGER,
        -1,
        help="step at which a SavedModel is written",
        instead="Set it to -1; the checkpoints in train_dir/_models hold every step.",
    )
    final_model_save: int = key(
        INTEGER,
        -1,
        help="step at which a SavedModel is written",
        instead="Set it to -1; the checkpoints in train_dir/_models hold every step.",
    )


class TrainValidation(Section):
    """Data that are only looked at."""

    name: ClassVar[str] = "VALIDATION_OPTIONS"
    about: ClassVar[str] = "Data that are evaluated at the end of each epoch."

    data_dir: Path | None = key(
        PATH,
        None,
        affects_result=False,
        help="folder of the data to validate on; a file for input_format = example",
        default_text="no validation",
    )
    batch_size: int | None = key(
        INTEGER,
        None,
        ge=1,
        le=10**7,
        affects_result=False,
        unit="structures",
        help="structures evaluated together",
        default_text="[TRAINING_PARAMETERS] batch_size",
        without_effect="averages do not depend on it; up to 1000 are taken together",
    )
    input_format: Literal["tfr", "example", "structure"] | None = key(
        WORD,
        None,
        help="format of the data, as above",
        default_text="[IO_INFORMATION] input_format",
    )
