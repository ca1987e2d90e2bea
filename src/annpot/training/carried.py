"""What a run takes over from its checkpoint, or from the networks it starts with."""

from annpot.networks.architecture import LayerWeights
from annpot.networks.checkpoint_networks import specs_of_run
from annpot.networks.metadata import StoredNetworks, read_metadata, read_specs
from annpot.networks.provenance import origin_of

CARRIED = ("started_from", "comment", "changes")  # facts that go on with a run


def networks_of(state):
    """StoredNetworks of a SavedState; None without one or from another program."""
    if state is None or state.run is None:
        return None
    weights = {
        element: tuple(LayerWeights(*pair) for pair in layers)
        for element, layers in state.layers.items()
    }
    return StoredNetworks(specs_of_run(state.run, state.prefix), weights)


def known_offsets(config, continued):
    """{element: eV} of the network that a run starts from; {} of a new network.

    Args:
        config: TrainConfig.
        continued: StoredNetworks of its checkpoint, or None.
    """
    folder = config.default_network.networks_metadata
    if continued is None and folder is None:
        return {}
    specs = read_specs(folder) if continued is None else continued.specs
    return {spec.element: spec.offset for spec in specs}


def carried_facts(config, start):
    """Facts about the origin of a run, for its checkpoints.

    A run that goes on keeps those of its checkpoint; one that begins with extracted
    networks tells which.

    Args:
        config: TrainConfig.
        start: Start.
    """
    if start.stored is not None:
        return {key: start.stored[key] for key in CARRIED if key in start.stored}
    folder = config.default_network.networks_metadata
    if folder is None or start.state is not None:
        return {}
    return {"started_from": origin_of(folder, read_metadata(folder))}
