"""Matrix products in bfloat16 and float16, the loss scale, and who gains from them."""

from types import SimpleNamespace

import ml_dtypes
import numpy as np
import pytest

from annpot.networks.element_network import network_output, product, tf
from annpot.training import loss_scale, low_precision
from annpot.training.loss_scale import LossScale
from annpot.training.optimizers import Optimizer
from annpot.training.parameters import ParameterKey
from annpot.training.step_settings import ClippingSettings, OptimizerSettings

TYPES = {"bfloat16": ml_dtypes.bfloat16, "float16": np.float16}
UNIT = {"bfloat16": 2.0**-8, "float16": 2.0**-11}  # half a unit of the last digit
KERNEL = ParameterKey("H", 0, "kernel")


def rounded(values, mixed):
    return np.asarray(values).astype(TYPES[mixed]).astype(np.float64)


@pytest.mark.parametrize("mixed", TYPES)
def test_factors_and_product_are_rounded(mixed):
    """NumPy with ml_dtypes; sums in float32 may round the other way, once or twice."""
    rng = np.random.default_rng(4)
    x, kernel = rng.normal(size=(40, 30)), rng.normal(size=(30, 20))
    found = product(tf.constant(x, tf.float32), tf.constant(kernel, tf.float32), mixed)
    assert found.dtype == tf.float32
    expected = rounded(rounded(x, mixed) @ rounded(kernel, mixed), mixed)
    exact = (found.numpy() == expected).mean()
    assert exact > 0.99
    np.testing.assert_allclose(found, expected, rtol=2.1 * UNIT[mixed])
    assert (found.numpy() != (x @ kernel).astype(np.float32)).mean() > 0.9


@pytest.mark.parametrize("mixed", TYPES)
def test_the_last_layer_keeps_all_digits(mixed):
    rng = np.random.default_rng(5)
    x = rng.normal(size=(9, 6)).astype(np.float32)
    first = rng.normal(size=(6, 4)).astype(np.float32), np.full(4, 0.3, np.float32)
    last = rng.normal(size=(4, 1)).astype(np.float32), np.full(1, 900.1, np.float32)
    found = network_output(tf.constant(x), (first, last), ("tanh", "linear"), mixed)
    hidden = rounded(rounded(x, mixed) @ rounded(first[0], mixed), mixed) + 0.3
    expected = np.tanh(hidden) @ last[0] + 900.1
    # 900 has a step of 4 in bfloat16; float32 one of 6e-5.
    np.testing.assert_allclose(found, expected[:, 0], rtol=0, atol=2e-4)


def test_rbf_layers_keep_all_digits():
    rng = np.random.default_rng(6)
    x, w = (tf.constant(rng.normal(size=(5, 5)), tf.float32) for _ in range(2))
    layers = (w, tf.zeros(5)), (w[:, :1], tf.zeros(1))
    about = x, layers, ("rbf", "linear")
    plain = network_output(*about)
    np.testing.assert_array_equal(plain, network_output(*about, "bfloat16"))


def made(scale, name="adam"):
    variable = tf.Variable([[1.0, 2.0]])
    settings = OptimizerSettings(name=name, epsilon=1e-20)
    about = settings, ClippingSettings(), {KERNEL: variable}
    return variable, Optimizer(*about, scale)


@pytest.mark.parametrize("xla", [False, True])
def test_a_gradient_that_is_not_finite_moves_nothing(xla, monkeypatch):
    monkeypatch.setattr(loss_scale, "GROWTH", 3)
    scale = LossScale()
    variable, optimizer = made(scale)
    plain, plain_optimizer = made(None)

    @tf.function(jit_compile=xla, autograph=False)
    def update(gradient):
        optimizer.update([gradient * tf.cast(scale.value, tf.float32)], 0.1)

    seen = []
    for factor in (1.0, np.inf, np.nan, 1.0, 1.0, 1.0, 1.0):
        before = variable.numpy()
        update(tf.constant([[0.25, -0.5]]) * factor)
        if np.isfinite(factor):
            # The same update without a scale, which is a power of 2: same bits.
            plain_optimizer.iterations.assign(optimizer.iterations - 1)
            plain_optimizer.update([tf.constant([[0.25, -0.5]])], 0.1)
            np.testing.assert_array_equal(variable.numpy(), plain.numpy())
        else:
            np.testing.assert_array_equal(variable.numpy(), before)
        seen.append((float(scale.value) / 2**15, int(scale.good_steps)))
    assert int(optimizer.iterations) == 7
    assert seen == [
        (1, 1), (0.5, 0), (0.25, 0), (0.25, 1), (0.25, 2), (0.5, 0), (0.5, 1),
    ]  # fmt: skip


def test_a_fixed_scale_stays():
    scale = LossScale(8.0)
    for is_finite in (True, False):
        scale.after_step(tf.constant(is_finite))
    assert float(scale.value) == 8.0


def test_the_scale_saves_slopes_that_float16_does_not_know():
    """A loss of 1e-8 x: its slope is below the smallest float16, 6e-8."""
    x, w = tf.constant([[2.0]]), tf.constant([[3.0]])
    found = []
    for scale in (1.0, 2.0**15):
        with tf.GradientTape() as tape:
            tape.watch(w)
            loss = 1e-8 * product(x, w, "float16") * scale
        found.append(float(tape.gradient(loss, w)[0, 0]) / scale)
    assert found[0] == 0
    assert found[1] == pytest.approx(2e-8, rel=1e-3)


def notes(mixed, names=("CPU:0",), capability=None, xla=False):
    step = SimpleNamespace(mixed=mixed, xla=xla)
    devices = SimpleNamespace(names=names, capability=capability)
    return low_precision.precision_notes(step, devices)


ENDING = (
    ". Its rounding remains all the same; mixed_precision = none is as fast or faster."
)


@pytest.mark.parametrize(
    ("mixed", "flags", "reason"),
    [
        ("float16", ("amx_bf16",), "the CPU converts float16 to float32 for each "
         "product"),
        ("bfloat16", ("avx2", "fma"), "the CPU has none of amx_bf16, avx512_bf16"),
        ("bfloat16", (), "this machine does not tell whether its CPU has products in "
         "bfloat16"),
    ],
)  # fmt: skip
def test_a_cpu_that_gains_nothing_is_told(monkeypatch, mixed, flags, reason):
    monkeypatch.setattr(low_precision, "cpu_flags", lambda: flags)
    assert notes(mixed) == [
        f"mixed_precision = {mixed} gains no time here: {reason}{ENDING}"
    ]


def test_a_cpu_that_gains_is_told_of_xla(monkeypatch):
    monkeypatch.setattr(low_precision, "cpu_flags", lambda: ("fma", "avx512_bf16"))
    assert notes("bfloat16") == notes("none") == []
    (note,) = notes("bfloat16", xla=True)
    assert "XLA" in note
    assert "use_xla = False" in note


@pytest.mark.parametrize(
    ("mixed", "capability", "reason"),
    [
        ("bfloat16", (8, 0), None),
        ("float16", (7, 0), None),
        ("bfloat16", (7, 5), "the GPU has compute capability 7.5; 8.0 is needed"),
        ("float16", (6, 1), "the GPU has compute capability 6.1; 7.0 is needed"),
        ("float16", None, "the GPU does not tell its compute capability; 7.0 is "
         "needed"),
    ],
)  # fmt: skip
def test_a_gpu_that_gains_nothing_is_told(mixed, capability, reason):
    told = notes(mixed, ("GPU:0",), capability, xla=True)
    assert told == (
        [f"mixed_precision = {mixed} gains no time here: {reason}{ENDING}"]
        if reason
        else []
    )
