"""Rules that tie several keys of one INI file together.

Each rule gets the sections (keys that are wrong already are None), the IniFile for the
lines and the Problems to add to.
"""

from annpot.config.averaging_rules import AVERAGING_RULES
from annpot.config.descriptor_config import structures_need_descriptors
from annpot.config.element_settings import AUTO_FOR_ALL
from annpot.config.extract_rules import EXTRACT_RULES
from annpot.config.gauss_newton_rules import GAUSS_NEWTON_RULES
from annpot.config.gvect_rules import GVECT_RULES, sparse_needs_derivatives
from annpot.config.kalman_rules import KALMAN_RULES
from annpot.config.lbfgs_rules import LBFGS_RULES
from annpot.config.network_rules import NETWORK_RULES
from annpot.config.optimizer_rules import OPTIMIZER_RULES
from annpot.config.precision_rules import PRECISION_RULES
from annpot.config.run_rules import RUN_RULES
from annpot.config.schedule_rules import SCHEDULE_RULES
from annpot.config.training_rules import TRAINING_RULES


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
    if data.output_offset in (None, AUTO_FOR_ALL) or data.atomic_sequence is None:
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


# Of [VALIDATION_OPTIONS]: what they choose, a model folder does not have.
_OF_CHECKPOINTS = (
    "single_step", "epoch_number", "step_number", "subsampling", "start", "end",
    "split", "weights",
)  # fmt: skip


def model_or_checkpoints(parts, ini, findings):
    """Either checkpoints are evaluated or a model, which has nothing to choose."""
    io, options = "IO_INFORMATION", "VALIDATION_OPTIONS"
    has_model, has_networks = (ini.has(io, k) for k in ("model_dir", "networks_dir"))
    if not has_model and not has_networks:
        findings.problem(
            f"[{io}] networks_dir is missing: expected it, a folder of checkpoints, or "
            "model_dir, a folder with model.json."
        )
    if not has_model:
        return
    if has_networks:
        findings.problem(
            f"[{io}] networks_dir and model_dir: expected one of the two. Remove the "
            "other.",
            ini.line(io, "model_dir"),
        )
    for section, key in ((io, "train_ini"), *((options, k) for k in _OF_CHECKPOINTS)):
        if ini.has(section, key):
            findings.problem(
                f"[{section}] {key} is about checkpoints, but model_dir gives a model, "
                "which is one network and knows its settings. Remove one of the two.",
                ini.line(section, key),
            )


RULES = {
    "app_gvect_calculator": GVECT_RULES,
    "app_tfr_packer": (sparse_needs_derivatives,),
    "app_train": (
        *TRAINING_RULES,
        *SCHEDULE_RULES,
        *OPTIMIZER_RULES,
        *KALMAN_RULES,
        *GAUSS_NEWTON_RULES,
        *LBFGS_RULES,
        *PRECISION_RULES,
        *RUN_RULES,
        *AVERAGING_RULES,
        start_is_complete,
        offsets_fit_elements,
        structures_need_descriptors,
        *NETWORK_RULES,
    ),
    "app_evaluate": (
        model_or_checkpoints,
        one_checkpoint_is_meant,
        structures_need_descriptors,
    ),
    "app_extract_weights": EXTRACT_RULES,
}
