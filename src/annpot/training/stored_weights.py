"""Weights of a checkpoint, put into the step: trained, scaled and averaged ones."""

from annpot.networks.architecture import LayerWeights
from annpot.training.standardization import restore_scaled


def restore_weights(state, parameters):
    """Set what the step has beside the networks, bit by bit.

    Args:
        state: SavedState of the run, whose trained weights the parameters have; None:
            averages begin with the weights of this moment.
        parameters: Parameters.
    """
    if state is not None:
        restore_scaled(state, parameters)
    if parameters.average is not None:
        parameters.average.restore(state, parameters)


def put_weights(state, potential, parameters):
    """Go back to the weights of a checkpoint of the same run, averages included.

    The optimizer's state stays as it is.

    Args:
        state: SavedState.
        potential: Potential.
        parameters: Parameters.
    """
    weights = {
        element: [LayerWeights(*pair) for pair in layers]
        for element, layers in state.layers.items()
    }
    potential.set_layers(weights)
    parameters.read_in()
    restore_weights(state, parameters)
    parameters.write_back()
