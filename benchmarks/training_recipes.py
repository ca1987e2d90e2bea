"""The recipes that `training_methods.py` compares.

Each differs from another one in a few keys: what the keys do is the difference of the
two lines in the table.
"""

from dataclasses import dataclass, field

ENERGIES = """\
[IO_INFORMATION]
data_dir = tutorial_data/train
train_dir = run
log_frequency = 100

[DATA_INFORMATION]
atomic_sequence = H, C, O, N
output_offset = -13.587223, -1029.511138, -2042.009502, -1485.014746

[DEFAULT_NETWORK]
architecture = 128:32:1
activations = tanh:tanh:linear

[TRAINING_PARAMETERS]
batch_size = 40
seed = 1
steps_per_epoch = 1000
max_epochs = 20

[VALIDATION_OPTIONS]
data_dir = tutorial_data/validate
"""
FORCES = ENERGIES.replace(
    "data_dir = tutorial_data/", "data_dir = tutorial_data/forces/"
).replace(
    "log_frequency",
    "input_format = structure\ngvect_ini = input_files/gvect.ini\nlog_frequency",
)


@dataclass(frozen=True)
class Group:
    """Recipes that stand in one table.

    Attributes:
        name: of its marks in the guide.
        title: of its panel in the picture; "" for none.
        base: recipe of another group that stands first in its table; "" for none.
    """

    name: str
    title: str = ""
    base: str = ""


@dataclass(frozen=True)
class Recipe:
    """One way to train.

    Attributes:
        name: for the command line.
        group: name of its Group.
        label: for table and picture.
        keys: {section: {key: value}} beside those of the group.
        stages: {name: {key: value}} of stages, one after the other.
        in_picture: whether its curve is drawn.
    """

    name: str
    group: str
    label: str
    keys: dict = field(default_factory=dict)
    stages: dict = field(default_factory=dict)
    in_picture: bool = False


TRAINING, NETWORK, DATA = "TRAINING_PARAMETERS", "DEFAULT_NETWORK", "DATA_INFORMATION"
GROUPS = (
    Group("methods", "384-128-32-1 for each element, energies"),
    Group("knobs", base="best"),
    Group("small networks", "384-16-16-1 for each element, energies"),
    Group("forces"),
)
TEXTS = {"forces": FORCES}  # of the groups that do not begin with ENERGIES

EXPONENTIAL = {
    "schedule": "exponential",
    "learning_rate_decay_step": 20000,
    "learning_rate_decay_factor": 0.003,
}
COSINE = {"schedule": "cosine"}
FAST = COSINE | {"learning_rate": 0.006}
WARM = {"schedule": "warmup_cosine", "warmup": 1000}
ADAMW = {"optimizer": "adamw", "weight_decay": 0.05, **COSINE}
SCALED = {"standardize": True}
FITTED = {"output_offset": "-13.587223, auto, auto, auto"}
BEST = {TRAINING: ADAMW, NETWORK: SCALED, DATA: FITTED}
RATE = 0.003
WITHOUT_RATE = ("lbfgs", "kalman")
GAUSS_NEWTON = {
    "optimizer": "gauss_newton",
    "learning_rate": 1,
    "batch_size": 120,
    "schedule": "warmup_cosine",
    "warmup": 30,
    "schedule_hold": 330,
    "steps_per_epoch": 36,
    "max_epochs": 20,
}
FORCES_GAUSS_NEWTON = GAUSS_NEWTON | {
    "gauss_newton_momentum": 0.85,
    "forces_cost": 1,
    "batch_size": 60,
    "warmup": 20,
    "schedule_hold": 20,
    "steps_per_epoch": 12,
    "max_epochs": 24,
}
ROOTS = {"standardize": True, "standardize_power": 0.5}
LBFGS = {"optimizer": "lbfgs", "steps_per_epoch": 20, "max_epochs": 20}
KALMAN = {
    "optimizer": "kalman",
    "kalman_covariance": "layer",
    "kalman_precision": "float32",
    "batch_size": 20,
    "steps_per_epoch": 36,
    "max_epochs": 10,
}
SMALL = {"architecture": "16:16:1"}
COUNTED = {
    "batch_size": 20,
    "steps_per_epoch": 400,
    "max_epochs": 10,
    "learning_rate": 0.01,
}  # 4000 steps
FORCES_COST = {"forces_cost": 0.1, "batch_size": 20}


def method(name, label, training, network=None, data=None, is_drawn=True):
    """Recipe of the group `methods`."""
    keys = {TRAINING: training, NETWORK: network or {}, DATA: data or {}}
    return Recipe(name, "methods", label, keys, in_picture=is_drawn)


def staged(name, label, **stages):
    """Recipe of the group `methods` in stages."""
    return Recipe(name, "methods", label, {}, stages, in_picture=True)


def knob(name, label, section=TRAINING, **keys):
    """Recipe that differs from `best` in one thing."""
    return Recipe(name, "knobs", label, BEST | {section: BEST[section] | keys})


def small(name, label, training, **stages):
    """Recipe of the group `small networks`."""
    keys = {TRAINING: training, NETWORK: SMALL}
    return Recipe(name, "small networks", label, keys, stages, in_picture=True)


def forces(name, label, training, network=None, data=None):
    """Recipe of the group `forces`."""
    keys = {TRAINING: FORCES_COST | training, NETWORK: network or {}, DATA: data or {}}
    return Recipe(name, "forces", label, keys)


LIST = (
    method("adam_constant", "Adam, `constant`", {}),
    method("adam_exponential", "Adam, `exponential`", EXPONENTIAL),
    method("adam_linear", "Adam, `linear`", {"schedule": "linear"}, is_drawn=False),
    method("adam_cosine", "Adam, `cosine`", COSINE, is_drawn=False),
    method("adam_warmup", "Adam, `warmup_cosine`", WARM),
    method("standardize", "Adam, `cosine`, `standardize`", COSINE, SCALED),
    method(
        "offsets",
        "Adam, `cosine`, `standardize`, offsets `auto`",
        COSINE,
        SCALED,
        FITTED,
        False,
    ),
    method(
        "best", "AdamW, `cosine`, `standardize`, offsets `auto`", ADAMW, SCALED, FITTED
    ),
    method("adam_40", "Adam, `cosine`, rate 0.006, offsets `auto`", FAST, {}, FITTED),
    method(
        "adam_80",
        "the same, `batch_size = 80`",
        FAST | {"batch_size": 80},
        {},
        FITTED,
    ),
    method("ema", "Adam, `constant`, `ema`", {"average": "ema"}),
    method("swa", "Adam, `constant`, `swa`", {"average": "swa", "swa_start": 17}),
    method(
        "clipped",
        "Adam, `constant`, clipped",
        {"clip_global_norm": 1},
        None,
        None,
        False,
    ),
    method(
        "gauss_newton", "Gauss-Newton: `train_best.ini`", GAUSS_NEWTON, ROOTS, FITTED
    ),
    method("lbfgs", "L-BFGS, `standardize`", LBFGS, SCALED, FITTED),
    staged(
        "adam_lbfgs",
        "Adam, `cosine`, then L-BFGS",
        fall=COSINE | {"max_epochs": 15},
        finish=LBFGS | {"max_epochs": 10},
    ),
    staged(
        "adam_swa",
        "Adam, `cosine`, then `swa`",
        fall=COSINE | {"max_epochs": 15},
        average={
            "max_epochs": 5,
            "learning_rate": 0.0003,
            "average": "swa",
            "swa_start": 1,
        },
    ),
    knob("batch_10", "`batch_size = 10`", batch_size=10),
    knob("batch_20", "`batch_size = 20`", batch_size=20),
    knob("batch_80", "`batch_size = 80`", batch_size=80),
    knob(
        "accumulate",
        "`batch_size = 20`, `accumulate_steps = 2`",
        batch_size=20,
        accumulate_steps=2,
    ),
    knob("rate_0.001", "`learning_rate = 0.001`", learning_rate=0.001),
    knob("rate_0.01", "`learning_rate = 0.01`", learning_rate=0.01),
    knob("warmup", "`schedule = warmup_cosine`, `warmup = 1000`", **WARM),
    knob("linear", "`schedule = linear`", schedule="linear"),
    knob(
        "plateau",
        "`schedule = plateau`, `plateau_patience = 2`",
        schedule="plateau",
        plateau_patience=2,
    ),
    knob("nadam", "`optimizer = nadam`", optimizer="nadam"),
    knob("rmsprop", "`optimizer = rmsprop`", optimizer="rmsprop"),
    knob("no_decay", "`optimizer = adam`", optimizer="adam", weight_decay=0),
    knob(
        "l2",
        "`optimizer = adam`, `wscale_l2 = 1e-6`",
        optimizer="adam",
        weight_decay=0,
        wscale_l2=1e-6,
    ),
    knob("decay_0.02", "`weight_decay = 0.02`", weight_decay=0.02),
    knob("decay_0.1", "`weight_decay = 0.1`", weight_decay=0.1),
    knob("plain", "`standardize = False`", NETWORK, standardize=False),
    knob("power_0.75", "`standardize_power = 0.75`", NETWORK, standardize_power=0.75),
    knob("power_0.5", "`standardize_power = 0.5`", NETWORK, standardize_power=0.5),
    knob("long", "`max_epochs = 40`", max_epochs=40),
    knob(
        "gaussian",
        "`activations = gaussian:gaussian:linear`",
        NETWORK,
        activations="gaussian:gaussian:linear",
    ),
    knob(
        "atoms",
        "`output_offset` of isolated atoms",
        DATA,
        **{"output_offset": "-13.587223, -1029.511138, -2042.009502, -1485.014746"},
    ),
    knob("best_ema", "`average = ema`", average="ema"),
    knob("best_swa", "`average = swa`, `swa_start = 16`", average="swa", swa_start=16),
    knob("best_clipped", "`clip_global_norm = 1`", clip_global_norm=1),
    knob(
        "stopping",
        "`early_stopping_patience = 4`, `restore_best`",
        early_stopping_patience=4,
        restore_best=True,
        early_stopping_metric="val_MAE/at",
    ),
    knob("per_atom", "`loss_function = quad_atom`", loss_function="quad_atom"),
    knob("bfloat16", "`mixed_precision = bfloat16`", mixed_precision="bfloat16"),
    knob("float64", "`precision = float64`", precision="float64"),
    small("small_adam", "Adam, `constant`", COUNTED),
    small("small_decay", "Adam, `cosine`", COUNTED | COSINE),
    small("kalman", "Kalman filter, `layer`", KALMAN),
    small(
        "kalman_element",
        "Kalman filter, `element`",
        KALMAN | {"kalman_covariance": "element", "max_epochs": 5},
    ),
    small(
        "kalman_adam",
        "Kalman filter, then Adam, `cosine`",
        {},
        begin=KALMAN | {"max_epochs": 3},
        fall=COUNTED | COSINE,
    ),
    forces("forces_plain", "Adam, `exponential`", EXPONENTIAL),
    forces("forces_best", "AdamW, `cosine`, `standardize`", ADAMW, SCALED, FITTED),
    forces(
        "forces_end",
        "... with `forces_cost_end = 0.01`",
        ADAMW | {"forces_cost_end": 0.01},
        SCALED,
        FITTED,
    ),
    forces(
        "forces_gauss_newton",
        "Gauss-Newton: `train_force_best.ini`",
        FORCES_GAUSS_NEWTON,
        ROOTS,
        FITTED,
    ),
)
RECIPES = {recipe.name: recipe for recipe in LIST}


def ini_text(recipe, seed):
    """Text of the INI file of a recipe."""
    sections = _sections(TEXTS.get(recipe.group, ENERGIES))
    for section, keys in recipe.keys.items():
        sections[section] |= keys
    sections[TRAINING]["seed"] = seed
    if recipe.stages:
        sections[TRAINING]["stages"] = ", ".join(recipe.stages)
        sections |= {f"STAGE:{n}": with_rate(k) for n, k in recipe.stages.items()}
    else:
        sections[TRAINING] = with_rate(sections[TRAINING])
    return "\n".join(
        f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
        for section, keys in sections.items()
    )


def with_rate(keys):
    """Keys with RATE where the method has one and they do not say another."""
    if keys.get("optimizer") in WITHOUT_RATE:
        return keys
    return {"learning_rate": RATE} | keys


def _sections(text):
    """{section: {key: value}} of a plain INI text."""
    sections = {}
    for line in text.splitlines():
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), {})
        elif line:
            key, _, value = line.partition(" = ")
            section[key] = value
    return sections
