"""How descriptors were made, as dataset.json and checkpoints say it."""


def descriptor_facts(origin):
    """Facts about descriptors.

    Args:
        origin: mapping with the keys of dataset.json (`species`, `g_size`,
            `descriptor`, `mbp_generation`, ...), each of which may be missing.

    Returns:
        {name: value}.
    """
    settings = origin.get("descriptor")
    settings = settings if isinstance(settings, dict) else {}
    generation = origin.get("mbp_generation")
    source = origin.get("mbp_generation_source")
    return {
        "descriptor": _kind(settings, generation, source),
        "mbp_generation": generation,
        "mbp_generation_source": source,
        "g_size": origin.get("g_size"),
        "cutoffs_angstrom": _cutoffs(settings),
        "derivatives": origin.get("derivatives"),
        "pbc_override": origin.get("pbc_override"),
    }


def _kind(settings, generation, source):
    if not settings and generation is None:
        return None
    kind = settings.get("kind", "mBP")
    if generation is None:
        return kind
    return f"{kind} (generation {generation}, {source or 'unknown source'})"


def _cutoffs(settings):
    """{"radial": cutoff, "angular": cutoff}; None where nothing says so."""
    found = {name: settings.get(f"r_cut_{name}") for name in ("radial", "angular")}
    return None if None in found.values() else found
