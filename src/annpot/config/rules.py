"""Rules that tie several keys of one INI file together.

Each rule gets the sections (keys that are wrong already are None), the IniFile for the
lines and the Problems to add to.
"""

from annpot.config.gvect_rules import GVECT_RULES, sparse_needs_derivatives
from annpot.config.network_rules import NETWORK_RULES

TRAINING = "TRAINING_PARAMETERS"
PER_ATOM_LOSSES = ("quad_atom", "quad_std_atom", "exp_quad_atom")


def decay_is_complete(parts, ini, findings):
    """A falling learning rate needs its step and its factor."""
    training = parts.training
    if training.learning_rate_constant is not False:
        return
    for key in ("learning_rate_decay_step", "learning_rate_decay_factor"):
        if getattr(training, key) is None and not ini.has(TRAINING, key):
            findings.problem(
                f"[{TRAINING}] learning_rate_constant = False needs {key}. Give it, or "
                "set learning_rate_constant = True.",
                ini.line(TRAINING, "learning_rate_constant"),
            )


def run_length_is_given(parts, ini, findings):
    """max_epochs and steps_per_epoch, or max_steps, and no contradiction."""
    training = parts.training
    per_epoch, epochs = training.steps_per_epoch, training.max_epochs
    if training.max_steps is None:
        for key in ("max_epochs", "steps_per_epoch"):
            if not ini.has(TRAINING, key) and not ini.has(TRAINING, "max_steps"):
                findings.problem(
                    f"[{TRAINING}] {key} is missing. Give max_epochs and "
                    "steps_per_epoch, or max_steps.",
                    ini.line(TRAINING),
                )
        return
    per_epoch = per_epoch or max(1, training.max_steps // 10)
    if epochs is not None and epochs != -(-training.max_steps // per_epoch):
        findings.problem(
            f"[{TRAINING}] max_steps = {training.max_steps} but max_epochs = {epochs} "
            f"of {per_epoch} steps are {epochs * per_epoch} steps. Keep max_steps, or "
            "max_epochs with steps_per_epoch.",
            ini.line(TRAINING, "max_steps"),
        )


def weights_fit_the_loss(parts, ini, findings):
    """A loss per atom is divided by the atoms already."""
    training = parts.training
    if training.energy_weight and training.loss_function in PER_ATOM_LOSSES:
        findings.problem(
            f"[{TRAINING}] energy_weight = {training.energy_weight} cannot be used "
            f"with loss_function = {training.loss_function}, which divides by the "
            "number of atoms already. Remove energy_weight, or use loss_function = "
            "quad or exp_quad.",
            ini.line(TRAINING, "energy_weight"),
        )


def start_is_complete(parts, ini, findings):
    """Each restart mode has what it starts from."""
    section = "IO_INFORMATION"
    mode = parts.io.restart_mode
    line = ini.line(section, "restart_mode")
    if mode == "specific_ckpt" and not ini.has(section, "restart_file"):
        findings.problem(
            f"[{section}] restart_mode = specific_ckpt needs restart_file, the path of "
            "a checkpoint without .index.",
            line,
        )
    if mode == "metadata" and not ini.has("DEFAULT_NETWORK", "networks_metadata"):
        findings.problem(
            f"[{section}] restart_mode = metadata needs [DEFAULT_NETWORK] "
            "networks_metadata, a folder of extracted networks.",
            line,
        )


def offsets_fit_elements(parts, ini, findings):
    """One offset for each element."""
    data = parts.data
    if data.output_offset is None or data.atomic_sequence is None:
        return
    found, needed = len(data.output_offset), len(data.atomic_sequence)
    if found != needed:
        findings.problem(
            f"[DATA_INFORMATION] output_offset has {found} "
            f"value{'s' if found != 1 else ''} but atomic_sequence has {needed} "
            f"elements ({', '.join(data.atomic_sequence)}). Give one offset per "
            "element, in the same order.",
            ini.line("DATA_INFORMATION", "output_offset"),
        )


def one_checkpoint_is_meant(parts, ini, findings):
    """single_step evaluates one checkpoint; keys that choose several are idle then."""
    section, options = "VALIDATION_OPTIONS", parts.validation
    for key, idle in (("subsampling", None), ("start", 0), ("end", None)):
        if options.single_step and getattr(options, key) != idle:
            findings.notice(
                f"[{section}] {key} has no effect: single_step = True evaluates one "
                "checkpoint.",
                ini.line(section, key),
            )


RULES = {
    "app_gvect_calculator": GVECT_RULES,
    "app_tfr_packer": (sparse_needs_derivatives,),
    "app_train": (
        decay_is_complete,
        run_length_is_given,
        weights_fit_the_loss,
        start_is_complete,
        offsets_fit_elements,
        *NETWORK_RULES,
    ),
    "app_evaluate": (one_checkpoint_is_meant,),
    "app_extract_weights": (),
}
