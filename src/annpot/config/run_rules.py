"""Rules on the parts that data are split into, and on the best checkpoints."""

from annpot.config.metric_names import OF_FORCES, OF_VIRIALS, without_validation

IO, DATA, VALIDATION = "IO_INFORMATION", "DATA_INFORMATION", "VALIDATION_OPTIONS"
COSTS = {  # first letters of a column -> what it is about, the cost that trains it
    OF_FORCES: ("forces", "forces_cost"),
    OF_VIRIALS: ("virials", "virial_cost"),
}


def parts_of_data_leave_some(parts, ini, findings):
    """validation_split and test_split together leave structures to train on."""
    validation, test = parts.data.validation_split, parts.data.test_split
    if validation and test and validation + test >= 1:
        findings.problem(
            f"[{DATA}] validation_split = {validation:g} and test_split = {test:g} "
            "leave nothing to train on. Their sum has to be less than 1.",
            ini.line(DATA, "validation_split"),
        )


def validation_data_are_told_once(parts, ini, findings):
    """Validation data are a part of the training data or a folder, not both."""
    split, folder = parts.data.validation_split, parts.validation.data_dir
    if split and folder is not None:
        findings.problem(
            f"[{DATA}] validation_split = {split:g} takes validation data from "
            f"data_dir, but [{VALIDATION}] data_dir = {folder} gives others. Keep one.",
            ini.line(DATA, "validation_split"),
        )
    if parts.data.split_seed and split == 0 and parts.data.test_split == 0:
        findings.notice(
            f"[{DATA}] split_seed has no effect: validation_split and test_split are "
            "0.",
            ini.line(DATA, "split_seed"),
        )


def best_metric_is_measured(parts, ini, findings):
    """The column that says which epoch is best exists in this run."""
    column = parts.io.best_metric
    if column is not None:
        metric_is_measured(IO, "best_metric", column, parts, ini, findings)


def metric_is_measured(section, key, column, parts, ini, findings):
    """The column of metrics.dat that a key names exists in this run."""
    line = ini.line(section, key)
    name, is_validation = without_validation(column)
    if is_validation and not _has_validation_data(parts, ini):
        findings.problem(
            f"[{section}] {key} = {column} needs validation data. Give [{VALIDATION}] "
            f"data_dir or [{DATA}] validation_split, or write {key} = {name}.",
            line,
        )
    for beginnings, (labels, cost) in COSTS.items():
        if name.startswith(beginnings) and getattr(parts.training, cost) == 0:
            findings.problem(
                f"[{section}] {key} = {column} is about {labels}, which are not "
                f"trained: {cost} is 0. Choose another column, or give [TRAINING_"
                f"PARAMETERS] {cost}.",
                line,
            )


def _has_validation_data(parts, ini):
    """Whether there are any; keys that are wrong (None) might give them."""
    folder, split = parts.validation.data_dir, parts.data.validation_split
    is_wrong = folder is None and (ini.has(VALIDATION, "data_dir") or split is None)
    return folder is not None or bool(split) or is_wrong


RUN_RULES = (
    parts_of_data_leave_some,
    validation_data_are_told_once,
    best_metric_is_measured,
)
