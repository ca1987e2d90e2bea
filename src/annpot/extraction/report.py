"""What app_extract_weights tells of what it wrote."""

from annpot.wording import counted


def report_lines(extraction):
    """Lines for the screen: what is where, what was lost, what to do next.

    Args:
        extraction: Extraction.
    """
    folder, model = extraction.folder, extraction.model
    if extraction.written:
        yield f"{len(extraction.written)} files written to {folder}"
    if extraction.kim_folder is not None:
        yield f"portable model of OpenKIM written to {extraction.kim_folder}"
    rescale = extraction.networks.energy_rescale
    if rescale != 1:
        yield f"energies and forces: those of the data times {rescale:g}"
    for kind, losses in extraction.losses.items():
        yield from _losses(kind, losses)
    if model is not None:
        yield from _of_model(model, extraction.golden_source)
        yield f"To check it in LAMMPS: app_lammps check {folder}"
        yield f'In ASE: annpot.AnnpotCalculator("{folder}")'
    if extraction.kim_folder is not None:
        yield (
            "To install it: kim-api-collections-management install user "
            f"{extraction.kim_folder} (doc/openkim.md)"
        )
    if extraction.written:
        yield f"To train on from them: [DEFAULT_NETWORK] networks_metadata = {folder}"


def _losses(kind, losses):
    told = ", ".join(f"{loss.element} {loss.energy:+.1e}" for loss in losses)
    if any(loss.energy for loss in losses):
        yield f"{kind}: float32 biases hold the offsets; error in eV per atom: {told}"
    largest = max(loss.weight for loss in losses)
    if largest:
        yield (
            f"{kind}: weights were float64 and are float32 now; largest change "
            f"{largest:.1e}"
        )


def _of_model(model, golden_source):
    yield f"{counted(len(model.golden), 'golden structure')}: {golden_source}"
    known = [element for element in model.settings.species if element in model.ranges]
    unknown = [e for e in model.settings.species if e not in known]
    if known:
        yield f"range of descriptors in training: known for {', '.join(known)}"
    if unknown:
        yield (
            f"range of descriptors in training: not known for {', '.join(unknown)}; "
            "whether atoms are like those of the training cannot be told"
        )
