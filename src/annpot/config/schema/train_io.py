"""Keys of app_train: how often to write, what to keep, when to stop, where to run."""

from typing import ClassVar, Literal

from annpot.config.grammar import (
    ACCELERATOR,
    AUTO_BOOLEAN,
    BOOLEAN,
    DURATION,
    INTEGER,
    METRIC,
    NUMBER,
    RANGE,
    WORD,
    WORD_LIST,
)
from annpot.config.schema.keys import key, stage_key
from annpot.config.schema.train_start import Start


class TrainIo(Start):
    """Where data come from, where results go, how often they are written."""

    name: ClassVar[str] = "IO_INFORMATION"
    about: ClassVar[str] = "Data, results, how to start, how often to write."

    save_checkpoint_steps: int | None = stage_key(
        INTEGER,
        None,
        ge=1,
        le=10**12,
        unit="steps",
        affects_result=False,
        help="steps between checkpoints",
        default_text="once per epoch (PANNA: log_frequency)",
    )
    log_frequency: int = stage_key(
        INTEGER,
        1,
        ge=1,
        le=10**12,
        unit="steps",
        affects_result=False,
        help="steps between TensorBoard scalars",
    )
    metrics: tuple[Literal["MAE", "RMSE", "MSE", "MAPE", "R2", "loss"], ...] = (
        stage_key(
            WORD_LIST,
            ("MAE",),
            affects_result=False,
            help="columns of metrics.dat; epoch lines always show loss, MAE and RMSE",
        )
    )
    progbar_interval: float = stage_key(
        NUMBER,
        1.0,
        gt=0,
        le=10**9,
        unit="s",
        affects_result=False,
        help="seconds between updates of the progress bar",
    )
    dataset_shuffle: bool = stage_key(
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
        "temporary file in train_dir, may take; derivatives = auto computes those that "
        "do not fit (last bits differ), but a run that goes on keeps its choice",
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
    derivatives: Literal["auto", "stored", "computed"] = stage_key(
        WORD,
        "auto",
        ours=True,
        help="derivatives for forces and virials: stored in memory, or computed with "
        "the descriptors in each step (last bits differ); auto: what is estimated to "
        "be faster, told with its reason",
    )
    use_xla: bool | Literal["auto"] = stage_key(
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
    max_ckpt_to_keep: int = stage_key(
        INTEGER,
        1000,
        ge=1,
        le=10**9,
        affects_result=False,
        help="newest checkpoints that are kept, older ones are removed",
    )
    keep_every_epochs: int | None = stage_key(
        INTEGER,
        None,
        ge=1,
        le=10**9,
        unit="epochs",
        affects_result=False,
        ours=True,
        help="epochs between checkpoints that are never removed",
        default_text="none but the newest, the best and the last",
    )
    keep_best: int = stage_key(
        INTEGER,
        1,
        ge=0,
        le=10**6,
        affects_result=False,
        ours=True,
        help="checkpoints with the best best_metric, which are never removed",
    )
    best_metric: str | None = stage_key(
        METRIC,
        None,
        affects_result=False,
        ours=True,
        help="column of metrics.dat that says which epoch is best, such as "
        "val_MAE/at, see Limits and keeps",
        default_text="val_loss with validation data, else loss",
    )
    max_time: float | None = key(
        DURATION,
        None,
        gt=0,
        unit="s",
        affects_result=False,
        ours=True,
        help="time after which the command saves, stops and ends with exit code 75; "
        "run it again to go on",
        default_text="no limit",
    )
    max_epochs_per_run: int | None = key(
        INTEGER,
        None,
        ge=1,
        le=10**9,
        unit="epochs",
        affects_result=False,
        ours=True,
        help="epochs after which the command saves, stops and ends with exit code 75; "
        "run it again to go on",
        default_text="no limit",
    )
    accelerator: str = key(
        ACCELERATOR,
        "auto",
        affects_result=False,
        ours=True,
        help="where steps are computed: auto takes a GPU where there is one; gpu:0,1 "
        "several of one machine (last bits differ)",
    )
    deterministic: bool = key(
        BOOLEAN,
        True,
        affects_result=False,
        ours=True,
        help="operations that give the same bits each time, on a GPU as well; False "
        "may be faster there",
    )
    wandb_project: str | None = key(
        WORD,
        None,
        affects_result=False,
        ours=True,
        help="project of Weights & Biases that is told of the run; its package must "
        "be installed",
        default_text="none is told",
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
