"""The forms of training for networks that see scaled descriptors."""

from annpot.networks.element_network import tf
from annpot.training.forms.prediction import AtomicNetworks, RowsForm


class ScaledNetworks(AtomicNetworks):
    """Networks of x = (G - m) / s as functions of G; so are their slopes.

    Args:
        networks: AtomicNetworks of x.
        scales: for each element the InputScale of its columns, or None.
    """

    def __init__(self, networks, scales):
        about = networks.layers, networks.activations, networks.precision
        super().__init__(*about, networks.mixed)
        self._scales = scales

    def outputs(self, descriptors):
        """See AtomicNetworks; of plain descriptors."""
        return super().outputs(
            [
                tf.cast(g, self.precision) if scale is None else self._scaled(g, scale)
                for g, scale in zip(descriptors, self._scales, strict=True)
            ]
        )

    def _scaled(self, g, scale):
        mean = tf.constant(scale.mean, self.precision)
        inverse = tf.constant(1.0 / scale.scale, self.precision)
        return (tf.cast(g, self.precision) - mean) * inverse


class ScaledForm:
    """A form whose networks are those of scaled descriptors.

    Args:
        form: StoredForm or ComputedForm.
        scales: for each element the InputScale of its columns, or None.
    """

    def __init__(self, form, scales):
        self.form, self.scales = form, scales

    def arrays(self, tables):
        """What the step reads."""
        return self.form.arrays(tables)

    def __call__(self, networks, tables, batch):
        """Prediction of a batch."""
        return self.form(ScaledNetworks(networks, self.scales), tables, batch)


class ScaledRows(RowsForm):
    """Rows of tables that are scaled once, before the first step.

    Args:
        scales: for each element the InputScale of its columns, or None.
        precision: dtype of the networks.
    """

    def __init__(self, scales, precision):
        self.scales, self.precision = scales, precision

    def arrays(self, tables):
        """Scaled descriptors of each element."""
        return tuple(
            g if scale is None else scale.apply(g, self.precision)
            for g, scale in zip(tables.g, self.scales, strict=True)
        )


def scaled(form, scales, step):
    """The form for descriptors that are scaled, where any are.

    Args:
        form: RowsForm, StoredForm or ComputedForm.
        scales: for each element the InputScale of all its columns, or None.
        step: StepSettings, for columns and precision.
    """
    if all(scale is None for scale in scales):
        return form
    pairs = zip(scales, step.columns, strict=True)
    scales = tuple(scale and scale.chosen(columns) for scale, columns in pairs)
    if isinstance(form, RowsForm):
        return ScaledRows(scales, step.precision)
    return ScaledForm(form, scales)
