"""Bounds of a gradient.

    value         each component is put into [-c, c]; PANNA's clip_value
    norm          the gradient of a variable: g min(1, c / |g|)
    global_norm   the gradient of all variables as one vector, likewise

Source of the last: R. Pascanu, T. Mikolov, Y. Bengio, ICML (2013), section 3.2.
"""

from annpot.networks.element_network import tf


def clipped(gradients, settings):
    """Gradients within their bounds.

    Args:
        gradients: list of tensors.
        settings: ClippingSettings, one bound at most.
    """
    if settings.value:
        bound = settings.value
        return [tf.clip_by_value(gradient, -bound, bound) for gradient in gradients]
    if settings.norm:
        norms = [tf.sqrt(_square(gradient)) for gradient in gradients]
        return _shortened(gradients, norms, settings.norm)
    if settings.global_norm:
        norm = tf.sqrt(tf.add_n([_square(gradient) for gradient in gradients]))
        return _shortened(gradients, [norm] * len(gradients), settings.global_norm)
    return gradients


def _square(gradient):
    """Sum of squares, float64."""
    return tf.reduce_sum(tf.square(tf.cast(gradient, tf.float64)))


def _shortened(gradients, norms, bound):
    return [
        gradient * tf.cast(bound / tf.maximum(norm, bound), gradient.dtype)
        for gradient, norm in zip(gradients, norms, strict=True)
    ]
