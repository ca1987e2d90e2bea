"""Keys that contradict an optimizer, refused one by one."""

from annpot.config.schema.keys import grammar_of

TRAINING, IO = "TRAINING_PARAMETERS", "IO_INFORMATION"
NOTHING = {"weight_decay": 0.0}  # values that ask for nothing beside the default


def refuse_keys(optimizer, refused, parts, ini, findings):
    """A problem for each key that is not at its default and that an optimizer refuses.

    Args:
        optimizer: name; nothing happens with another one.
        refused: {key: (why, what there is instead or "")}; why follows "which".
        parts, ini, findings: see `annpot.config.rules`.
    """
    training = parts.training
    if training.optimizer != optimizer:
        return
    for key, (why, advice) in refused.items():
        if is_default(training, key):
            continue
        default = NOTHING.get(key, type(training).model_fields[key].default)
        way_out = "Remove it."
        if default is not None:
            written = text_of(training, key, default)
            way_out = f"Remove it, or set the default, {written}."
        findings.problem(
            f"[{TRAINING}] {key} = {text_of(training, key)} cannot be used with "
            f"optimizer = {optimizer}, which {why}. {way_out} {advice}".rstrip(),
            ini.line(TRAINING, key),
        )


def refuse_devices(optimizer, why, parts, ini, findings):
    """A problem where several GPUs are named for an optimizer that has one device.

    Args:
        optimizer: name; nothing happens with another one.
        why: what follows "whose".
        parts, ini, findings: see `annpot.config.rules`.
    """
    accelerator = parts.io.accelerator or ""
    if parts.training.optimizer == optimizer and "," in accelerator:
        findings.problem(
            f"[{IO}] accelerator = {accelerator} cannot be used with optimizer = "
            f"{optimizer}, whose {why} is on one device. Name one GPU.",
            ini.line(IO, "accelerator"),
        )


def is_default(training, key):
    """Whether a key has its default; one that is wrong (None) is told elsewhere."""
    value = getattr(training, key)
    idle = type(training).model_fields[key].default, NOTHING.get(key)
    return value is None or value in idle


def text_of(training, key, *value):
    """A value of a key, its own without any, as an INI file writes it."""
    (value,) = value or (getattr(training, key),)
    return grammar_of(type(training).model_fields[key]).format(value)
