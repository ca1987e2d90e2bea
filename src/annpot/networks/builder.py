"""From the INI file and stored networks to the specs and first weights of a run."""

from dataclasses import dataclass

from annpot.errors import InputError
from annpot.networks.architecture import LayerSpec, LayerWeights, NetworkSpec
from annpot.networks.array_file import read_array
from annpot.networks.descriptor_check import check_descriptors
from annpot.networks.initial_weights import new_layer
from annpot.networks.metadata import StoredNetworks, read_metadata, read_specs

GAUSSIAN, LINEAR = 1, 0
AUTO = "auto"  # an offset that training finds from its data


@dataclass(frozen=True)
class StartingNetwork:
    """The network of one element before the first step.

    Attributes:
        spec: NetworkSpec.
        layers: LayerWeights of each layer.
        sources: where each layer's weights come from, in words for the summary.
    """

    spec: NetworkSpec
    layers: tuple[LayerWeights, ...]
    sources: tuple[str, ...]


def network_specs(config, n_features):
    """NetworkSpec of each element of `atomic_sequence`; no array is read.

    Arguments and errors are those of `starting_networks`.
    """
    folder = config.default_network.networks_metadata
    known = {spec.element: spec for spec in read_specs(folder)} if folder else {}
    return tuple(
        _spec(
            config.element_network(element),
            known.get(element),
            n_features,
            _place(config, element),
        )
        for element in config.data.atomic_sequence
    )


def starting_networks(
    config, n_features, seed, origin=None, continued=None, offsets=None
):
    """StartingNetwork of each element of `atomic_sequence`.

    What an element's section or [DEFAULT_NETWORK] says wins; what they leave out
    comes from `networks_metadata`. Each layer's weights follow its behavior:

        new    random, from (seed, element, layer)
        load   from layerN_*_file where given, else from networks_metadata
        keep   from networks_metadata

    Default: load with networks_metadata, else new.

    Args:
        config: TrainConfig.
        n_features: descriptor length of the data.
        seed: seed of the run.
        origin: facts of the data's descriptors to compare with those that the stored
            networks were trained on, see `check_descriptors`; None compares nothing.
        continued: StoredNetworks of the checkpoint that the run goes on from. They
            take the place of networks_metadata and of all weights: no file is read.
        offsets: {element: eV} of those whose offset is `auto`.

    Raises:
        InputError: all elements' problems at once, or other descriptors than those
            of networks whose first layer is loaded.
    """
    folder = config.default_network.networks_metadata
    if continued is not None:
        return _of_each(
            lambda e: _continued_network(
                config, e, n_features, continued, seed, offsets
            ),
            config,
        )
    found = read_metadata(folder) if folder is not None else StoredNetworks()
    stored = {spec.element: (spec, found.weights[spec.element]) for spec in found.specs}
    networks = _of_each(
        lambda e: _starting_network(config, e, n_features, stored, seed, offsets),
        config,
    )
    facts = found.about.get("data")
    loaded = any(network.sources[0] == "loaded" for network in networks)
    if loaded and origin is not None and isinstance(facts, dict):
        where = config.source.where("DEFAULT_NETWORK", "networks_metadata")
        check_descriptors(facts, origin, where)
    return networks


def _of_each(network_of, config):
    """The network of each element; the problems of all elements at once."""
    networks, problems = [], []
    for element in config.data.atomic_sequence:
        try:
            networks.append(network_of(element))
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    return networks


def _continued_network(config, element, n_features, continued, seed, offsets):
    """The network of an element with the weights of a checkpoint, as far as they fit.

    Layers of other sizes get new weights; that they are others is told later.
    """
    settings = config.element_network(element)
    known = {spec.element: spec for spec in continued.specs}.get(element)
    if config.default_network.networks_metadata is None:
        known = None  # what the INI file leaves out is not asked of a stored network
    spec = _spec(settings, known, n_features, _place(config, element), offsets)
    kept = dict(enumerate(continued.weights.get(element, ())))
    layers = [
        kept[number]
        if number in kept and kept[number].kernel.shape == shape
        else _new_layer((element, number, shape), settings, seed)
        for number, shape in enumerate(spec.shapes)
    ]
    return StartingNetwork(spec, tuple(layers), ("checkpoint",) * len(layers))


def _place(config, element):
    """file:line of the section that speaks of an element's layers."""
    section = element if config.source.is_given(element, "behavior") else None
    return config.source.where(section or "DEFAULT_NETWORK", "architecture")


def _starting_network(config, element, n_features, stored, seed, offsets):
    settings = config.element_network(element)
    known, kept = stored.get(element, (None, None))
    where = _place(config, element)
    spec = _spec(settings, known, n_features, where, offsets)
    layers, sources = [], []
    for number, shape in enumerate(spec.shapes):
        source = _source(settings, number, known)
        weights, words = _layer_weights(
            source, settings, kept, (element, number, shape), seed, where
        )
        layers.append(weights)
        sources.append(words)
    return StartingNetwork(spec, tuple(layers), tuple(sources))


def _spec(settings, known, n_features, where, offsets=None):
    """NetworkSpec from the INI file's settings, completed by a stored one."""
    if settings.architecture is not None:
        sizes = settings.architecture
    elif known is not None:
        sizes = tuple(layer.size for layer in known.layers)
    else:
        raise InputError(
            f"{where}: no architecture for {settings.symbol}. Give one like 128:32:1, "
            "or networks_metadata with a network of that element."
        )
    same_depth = known is not None and len(known.layers) == len(sizes)
    activations = settings.activations
    if activations is None and same_depth:
        activations = tuple(layer.activation for layer in known.layers)
    elif activations is None:
        activations = (GAUSSIAN,) * (len(sizes) - 1) + (LINEAR,)
    trainable = settings.trainable
    if trainable is None:
        trainable = (True,) * len(sizes)
    for key, values in (
        ("activations", activations),
        ("trainable", trainable),
        ("behavior", settings.behavior or sizes),
        ("initial_gain", settings.initial_gain or sizes),
        ("initial_bias", settings.initial_bias or sizes),
    ):
        if len(values) != len(sizes):
            raise InputError(
                f"{where}: {settings.symbol} has {len(sizes)} layers "
                f"({':'.join(map(str, sizes))}), but {key} has {len(values)}. Give one "
                "for each layer."
            )
    return NetworkSpec(
        settings.symbol,
        n_features,
        tuple(map(LayerSpec, sizes, activations, trainable)),
        _offset(settings, known, where, offsets or {}),
    )


def _offset(settings, known, where, offsets):
    """Offset of an element, eV: as stated, found by training, or stored."""
    if settings.output_offset == AUTO:
        if settings.symbol not in offsets:
            raise InputError(
                f"{where}: output_offset = auto of {settings.symbol} is known to "
                "app_train alone, which finds it from its data. Give the number."
            )
        return offsets[settings.symbol]
    if settings.output_offset is None:
        return known.offset if known is not None else 0.0
    return settings.output_offset


def _new_layer(layer, settings, seed):
    element, number, shape = layer
    gains, spreads = settings.initial_gain, settings.initial_bias
    return new_layer(
        shape,
        element,
        number,
        seed,
        None if gains is None else gains[number],
        None if spreads is None else spreads[number],
    )


def _source(settings, number, known):
    if settings.behavior is not None:
        return settings.behavior[number]
    if number in settings.layer_files or known is not None:
        return "load"
    return "new"


def _layer_weights(source, settings, kept, layer, seed, where):
    """(LayerWeights, words for the summary) of one layer."""
    element, number, shape = layer
    if source == "new":
        return _new_layer(layer, settings, seed), "new"
    w_file, b_file = (
        settings.layer_files.get(number, (None, None))
        if source == "load"
        else (None, None)
    )
    previous = kept[number] if kept is not None and number < len(kept) else None
    if previous is None and None in (w_file, b_file):
        raise InputError(
            f"{where}: layer {number} of {element} has behavior {source}, but "
            "networks_metadata holds no such layer. Set its behavior to new, or give "
            f"layer{number}_w_file and layer{number}_b_file."
        )
    weights = LayerWeights(
        read_array(w_file, shape) if w_file else previous.kernel,
        read_array(b_file, shape[1:]) if b_file else previous.bias,
    )
    if weights.kernel.shape != shape or weights.bias.shape != shape[1:]:
        raise InputError(
            f"{where}: layer {number} of {element} would load weights "
            f"{weights.kernel.shape} and biases {weights.bias.shape}, but the "
            f"architecture needs {shape} and {shape[1:]}. Set its behavior to new, or "
            "keep the sizes of the stored network."
        )
    return weights, "file" if w_file or b_file else "loaded"
