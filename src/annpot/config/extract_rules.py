"""Rules of app_extract_weights."""

SECTION = "IO_INFORMATION"
# Key -> types of output that it belongs to.
BELONGS_TO = {
    "output_file": ("LAMMPS",),
    "gvector_version": ("LAMMPS",),
    "gvector_input": ("LAMMPS", "ASE", "KIM"),
    "mbp_generation": ("LAMMPS", "ASE", "KIM"),
    "golden_structures": ("LAMMPS", "ASE"),
    "kim_model_name": ("KIM",),
}


def best_is_no_step(parts, ini, findings):
    """checkpoint = best leaves no step to choose."""
    latest = -1
    if parts.io.checkpoint == "best" and parts.io.step_number != latest:
        findings.problem(
            f"[{SECTION}] step_number = {parts.io.step_number} and checkpoint = best: "
            "expected one of the two. Remove the other.",
            ini.line(SECTION, "step_number"),
        )


def output_is_asked_for(parts, ini, findings):
    """Keys of an output that is not written have no effect."""
    types = parts.io.output_type
    if types is None:
        return
    if not types:
        findings.problem(
            f"[{SECTION}] output_type is empty: expected a comma list of PANNA, "
            "LAMMPS, ASE, KIM. Name one, or remove the key for PANNA.",
            ini.line(SECTION, "output_type"),
        )
        return
    for key, owners in BELONGS_TO.items():
        if ini.has(SECTION, key) and set(owners).isdisjoint(types):
            *some, last = owners
            named = f"{', '.join(some)} or {last}" if some else last
            findings.notice(
                f"[{SECTION}] {key} has no effect: it belongs to output_type = "
                f"{named}.",
                ini.line(SECTION, key),
            )


def output_file_is_a_name(parts, ini, findings):
    """PANNA's file lies beside its weights, in output_dir."""
    name = parts.io.output_file
    if name is not None and ("/" in name or name in (".", "..")):
        findings.problem(
            f"[{SECTION}] output_file = {name}: expected the name of a file without a "
            "folder. Name the folder in output_dir.",
            ini.line(SECTION, "output_file"),
        )


EXTRACT_RULES = (best_is_no_step, output_is_asked_for, output_file_is_a_name)
