"""The networks of a checkpoint, agreed between the checkpoint and the train INI."""

from dataclasses import dataclass

from annpot.errors import InputError
from annpot.networks.architecture import LayerSpec, LayerWeights, NetworkSpec
from annpot.networks.builder import AUTO, network_specs
from annpot.networks.checkpoint_files import CheckpointFile
from annpot.networks.checkpoint_reader import read_checkpoint

DATA = "DATA_INFORMATION"
OTHER_INI = "Give the train INI that this checkpoint was made with."


@dataclass(frozen=True, eq=False)
class CheckpointNetworks:
    """A potential as one checkpoint holds it.

    Attributes:
        file: CheckpointFile.
        specs: NetworkSpec of each element, in the order of the species indices.
        weights: {element: (LayerWeights, ...)}.
        energy_rescale: factor of the reference energies in training.
        data: what the run knew of its training data; {} if nothing.
        split: bytes that say how the data were divided, None where they were not.
    """

    file: CheckpointFile
    specs: tuple[NetworkSpec, ...]
    weights: dict[str, tuple[LayerWeights, ...]]
    energy_rescale: float
    data: dict
    split: bytes | None = None


def open_networks(checkpoint, config=None, weights="averaged"):
    """CheckpointNetworks of a CheckpointFile.

    Elements, activations and offsets come from the checkpoint, where app_train puts
    them; what the train INI says about them must agree. Checkpoints of PANNA do not
    hold them: they come from the train INI, and the shapes of the arrays must agree.

    Args:
        checkpoint: CheckpointFile.
        config: TrainConfig of the run, or None.
        weights: "averaged" or "trained", of a run that averaged them.

    Raises:
        InputError: the checkpoint cannot be read, it needs a train INI, or it and
            the INI file disagree; all disagreements at once.
    """
    content = read_checkpoint(checkpoint.prefix)
    run = content.run
    if run is None and config is None:
        raise InputError(
            f"{checkpoint.prefix}: written by another program, does not tell its "
            "elements, activations and offsets: expected a train INI that does. Give "
            "the INI file of the training (train_ini of app_evaluate, train_input of "
            "app_extract_weights)."
        )
    if run is not None:
        specs, rescale = specs_of_run(run, checkpoint.prefix), run["energy_rescale"]
        problems = list(_contradictions(config, specs, rescale)) if config else []
    else:
        specs, rescale = _specs_of_ini(config, content), config.data.energy_rescale
        problems = []
    problems += _wrong_shapes(specs, content)
    if problems:
        raise InputError(
            problems,
            f"{checkpoint.prefix} is a checkpoint of other settings. {OTHER_INI}",
        )
    data = (run or {}).get("data") or {}
    chosen = content.averaged if weights == "averaged" else {}
    return CheckpointNetworks(
        checkpoint, specs, chosen or content.weights, rescale, data, content.split
    )


def specs_of_run(run, prefix):
    """NetworkSpec of each element, as the facts of a checkpoint describe them.

    Args:
        run: facts of the run, see doc/formats.md.
        prefix: of the checkpoint, for messages.

    Raises:
        InputError: they are not complete.
    """
    try:
        return tuple(
            NetworkSpec(
                network["element"],
                network["n_features"],
                tuple(map(LayerSpec, network["sizes"], network["activations"])),
                network["offset"],
            )
            for network in run["networks"]
        )
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{prefix}: what the checkpoint says about its networks is not "
            f"complete ({error!r}). Choose another checkpoint."
        ) from error


def _specs_of_ini(config, content):
    """Specs of the train INI alone, for the elements of the checkpoint."""
    elements = config.data.atomic_sequence
    if set(elements) != set(content.weights):
        where = config.source.where(DATA, "atomic_sequence")
        raise InputError(
            f"{where}: atomic_sequence = {', '.join(elements)}, but "
            f"{content.prefix} holds networks of "
            f"{', '.join(sorted(content.weights))}. {OTHER_INI}"
        )
    n_features = len(content.weights[elements[0]][0].kernel)
    return network_specs(config, n_features)


def _wrong_shapes(specs, content):
    """Sentences on arrays of the checkpoint that do not have the specs' shapes."""
    for spec in specs:
        shapes = tuple(w.kernel.shape for w in content.weights.get(spec.element, ()))
        if shapes != spec.shapes:
            yield (
                f"{content.prefix}: layers {_shown(shapes)} of {spec.element}, "
                f"where the settings say {_shown(spec.shapes)}."
            )


def _shown(shapes):
    return " ".join(f"{n_in}x{n_out}" for n_in, n_out in shapes) or "none"


def _contradictions(config, specs, rescale):
    """Sentences on what the train INI states and the checkpoint knows otherwise."""
    elements = tuple(spec.element for spec in specs)

    def told(section, key, stated, known):
        if stated in (None, AUTO) or stated == known:
            return ()
        where = _place(config.source, section, key)
        return (
            f"{where}: {key} = {_text(stated)} for [{section}], but the checkpoint was "
            f"made with {_text(known)}.",
        )

    data = config.data
    yield from told(DATA, "atomic_sequence", data.atomic_sequence, elements)
    yield from told(DATA, "energy_rescale", data.energy_rescale, rescale)
    if set(data.atomic_sequence) != set(elements):
        return
    for spec in specs:
        settings = config.element_network(spec.element)
        sizes = tuple(layer.size for layer in spec.layers)
        activations = tuple(layer.activation for layer in spec.layers)
        for key, known in (
            ("g_size", spec.n_features),
            ("architecture", sizes),
            ("activations", activations),
            ("output_offset", spec.offset),
        ):
            yield from told(spec.element, key, getattr(settings, key), known)


def _place(source, section, key):
    """file:line of an element's key, in whichever section gives it."""
    for given in (section, DATA, "DEFAULT_NETWORK"):
        if source.is_given(given, key):
            return source.where(given, key)
    return source.where(section, key)


def _text(value):
    if isinstance(value, tuple):
        separator = ", " if isinstance(value[0], str) else ":"
        return separator.join(map(str, value))
    return str(value)
