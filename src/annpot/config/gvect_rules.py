"""Rules on the numbers of a descriptor."""

import math

SECTION = "GVECT_PARAMETERS"
ONLY_MBP = (
    "rs0_ang",
    "rsn_ang",
    "rs_ang_list",
    "thetasn",
    "thetas_list",
    "cosine_scale",
)


def needed_numbers_are_given(parts, ini, findings):
    """Centres, angles and cutoffs that the type of descriptor needs."""
    kind = parts.symmetry_function.type
    needed = [("RsN_rad", "Rs_rad_list")]
    if kind == "mBP":
        needed += [
            ("Rc_ang",),
            ("Rs0_ang", "Rs_ang_list"),
            ("RsN_ang", "Rs_ang_list"),
            ("eta_ang",),
            ("ThetasN", "Thetas_list"),
        ]
    for names in needed:
        if not any(ini.has(SECTION, name) for name in names):
            findings.problem(
                f"[{SECTION}] {names[0]} is missing: type = {kind} needs "
                f"{' or '.join(names)}.",
                ini.line(SECTION),
            )


def list_lengths_agree(parts, ini, findings):
    """mBP: one eta or zeta for all centres, or one for each."""
    if parts.symmetry_function.type != "mBP":
        return
    numbers = parts.gvect_parameters
    for key, listed, count, what in (
        ("eta_rad", "rs_rad_list", "rsn_rad", "radial centre"),
        ("eta_ang", "rs_ang_list", "rsn_ang", "centre"),
        ("zeta", "thetas_list", "thetasn", "angle"),
    ):
        values = getattr(numbers, key)
        n = _count(numbers, listed, count)
        if values is None or n is None or len(values) in (1, n):
            continue
        findings.problem(
            f"[{SECTION}] {key} has {len(values)} values but there are {n} {what}s. "
            f"Give one value, or one per {what}.",
            ini.line(SECTION, key),
        )


def _count(numbers, listed, count):
    values = getattr(numbers, listed)
    return getattr(numbers, count) if values is None else len(values)


def centres_lie_inside(parts, ini, findings):
    """The first centre lies inside the cutoff."""
    numbers = parts.gvect_parameters
    for first, cutoff in (("rs0_rad", "rc_rad"), ("rs0_ang", "rc_ang")):
        start, end = getattr(numbers, first), getattr(numbers, cutoff)
        if start is not None and end is not None and start >= end:
            written = first.replace("rs0", "Rs0"), cutoff.replace("rc", "Rc")
            findings.problem(
                f"[{SECTION}] {written[0]} = {start:g}: expected less than "
                f"{written[1]} = {end:g}.",
                ini.line(SECTION, first),
            )


def steps_follow_from_centres(parts, ini, findings):
    """An explicit step is only accepted where it repeats (Rc - Rs0) / N."""
    numbers = parts.gvect_parameters
    for which in ("rad", "ang"):
        step = getattr(numbers, f"rsst_{which}")
        n = getattr(numbers, f"rsn_{which}")
        cutoff, start = (getattr(numbers, f"{name}_{which}") for name in ("rc", "rs0"))
        listed = getattr(numbers, f"rs_{which}_list")
        if listed is not None or None in (step, n, cutoff, start):
            continue
        spacing = (cutoff - start) / n
        if not math.isclose(step, spacing, rel_tol=1e-6):
            findings.problem(
                f"[{SECTION}] Rsst_{which} = {step:g}: the centres are "
                f"(Rc_{which} - Rs0_{which}) / RsN_{which} = {spacing:g} apart. Remove "
                f"the key, or list the centres in Rs_{which}_list.",
                ini.line(SECTION, f"Rsst_{which}"),
            )


def three_directions(parts, ini, findings):
    """use_pbc speaks of three directions."""
    flags = parts.pbc.use_pbc
    if flags is not None and len(flags) != 3:
        findings.problem(
            f"[PBC] use_pbc has {len(flags)} values: expected three, one for each cell "
            "vector.",
            ini.line("PBC", "use_pbc"),
        )


def keys_of_the_other_type(parts, ini, findings):
    """With type = BP the keys of mBP have no effect."""
    if parts.symmetry_function.type != "BP":
        return
    fields = type(parts.gvect_parameters).model_fields
    for attribute in ONLY_MBP:
        name = fields[attribute].json_schema_extra["spelling"] or attribute
        if ini.has(SECTION, name):
            findings.notice(
                f"[{SECTION}] {name} has no effect: it belongs to type = mBP.",
                ini.line(SECTION, name),
            )


def sparse_needs_derivatives(parts, ini, findings):
    """sparse_derivatives alone asks for nothing, in the calculator and the packer."""
    for name, attribute in (
        ("SYMMETRY_FUNCTION", "symmetry_function"),
        ("CONTENT_INFORMATION", "content"),
    ):
        chosen = getattr(parts, attribute, None)
        if chosen is None or not chosen.sparse_derivatives:
            continue
        if chosen.include_derivatives is False:
            findings.notice(
                f"[{name}] sparse_derivatives has no effect: include_derivatives = "
                "False.",
                ini.line(name, "sparse_derivatives"),
            )


GVECT_RULES = (
    needed_numbers_are_given,
    list_lengths_agree,
    centres_lie_inside,
    steps_follow_from_centres,
    three_directions,
    keys_of_the_other_type,
    sparse_needs_derivatives,
)
