"""The network of one element, merged from all the sections that speak of it."""

from dataclasses import dataclass
from pathlib import Path

AUTO_FOR_ALL = ("auto",)  # output_offset: one word for all elements


@dataclass(frozen=True)
class ElementNetworkSettings:
    """What the INI file says about the network of one element.

    None: the file says nothing; the value comes from networks_metadata, from the data
    or from the default of the network builder.

    Attributes:
        symbol: chemical symbol.
        g_size: length of the descriptor.
        architecture: size of each layer.
        trainable: for each layer whether training may change it.
        activations: number of each layer's activation.
        initial_gain, initial_bias: spread of the new weights and biases of each layer.
        behavior: `load`, `new` or `keep` for each layer.
        output_offset: energy added per atom, eV; "auto" is found from the data.
        layer_files: (weights, biases) .npy files by layer, counted from 0; None for
            the one of the two that is not given.
    """

    symbol: str
    g_size: int | None
    architecture: tuple[int, ...] | None
    trainable: tuple[bool, ...] | None
    activations: tuple[int, ...] | None
    initial_gain: tuple[float, ...] | None
    initial_bias: tuple[float, ...] | None
    behavior: tuple[str, ...] | None
    output_offset: float | str | None
    layer_files: dict[int, tuple[Path | None, Path | None]]


def element_settings(config, symbol):
    """ElementNetworkSettings of an element.

    Its own section wins over [DEFAULT_NETWORK]; an offset in its own section wins over
    [DATA_INFORMATION] output_offset, and that over [DEFAULT_NETWORK] output_offset.

    Args:
        config: TrainConfig.
        symbol: element of atomic_sequence.
    """
    own, default = config.elements[symbol], config.default_network

    def merged(attribute):
        value = getattr(own, attribute)
        return getattr(default, attribute) if value is None else value

    return ElementNetworkSettings(
        symbol=symbol,
        g_size=merged("g_size"),
        architecture=merged("architecture"),
        trainable=merged("trainable"),
        activations=merged("activations"),
        initial_gain=merged("initial_gain"),
        initial_bias=merged("initial_bias"),
        behavior=own.behavior,
        output_offset=_offset(config, symbol),
        layer_files=_layer_files(own),
    )


def _offset(config, symbol):
    offsets = config.data.output_offset
    listed = offsets
    if offsets and offsets != AUTO_FOR_ALL:
        listed = offsets[config.data.atomic_sequence.index(symbol)]
    elif offsets:
        (listed,) = offsets
    choices = (
        config.elements[symbol].output_offset,
        listed,
        config.default_network.output_offset,
    )
    return next((offset for offset in choices if offset is not None), None)


def _layer_files(own):
    weights, biases = own.layer_w_files or {}, own.layer_b_files or {}
    return {
        layer: (weights.get(layer), biases.get(layer))
        for layer in sorted({*weights, *biases})
    }
