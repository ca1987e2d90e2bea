"""Updates of the optimizers against NumPy, several steps in float64."""

import numpy as np
import pytest

from annpot.networks.element_network import tf
from annpot.training.optimizers import Optimizer
from annpot.training.parameters import ParameterKey
from annpot.training.step_settings import ClippingSettings, OptimizerSettings
from reference.numpy_optimizers import NumpyAdam, NumpyNadam, NumpyRMSprop, NumpySGD

KERNEL, BIAS = ParameterKey("H", 0, "kernel"), ParameterKey("H", 0, "bias")
CASES = {
    "adam": ({"name": "adam", "beta1": 0.8}, lambda: NumpyAdam(0.8, 0.999, 1e-7)),
    "nadam": ({"name": "nadam"}, lambda: NumpyNadam(0.9, 0.999, 1e-7)),
    "rmsprop": ({"name": "rmsprop", "rho": 0.8}, lambda: NumpyRMSprop(0.8, 1e-7)),
    "rmsprop with momentum": (
        {"name": "rmsprop", "momentum": 0.7},
        lambda: NumpyRMSprop(0.9, 1e-7, 0.7),
    ),
    "sgd": ({"name": "sgd"}, NumpySGD),
    "sgd with momentum": ({"name": "sgd", "momentum": 0.9}, lambda: NumpySGD(0.9)),
    "nesterov": (
        {"name": "sgd", "momentum": 0.9, "nesterov": True},
        lambda: NumpySGD(0.9, True),
    ),
}


def made(clipping=None, dtype="float64", **settings):
    """(variables, Optimizer) over a kernel (3, 2) and a bias (2,)."""
    rng = np.random.default_rng(1)
    trained = {
        KERNEL: tf.Variable(rng.normal(size=(3, 2)), dtype=dtype),
        BIAS: tf.Variable(rng.normal(size=2), dtype=dtype),
    }
    optimizer = Optimizer(
        OptimizerSettings(**settings), clipping or ClippingSettings(), trained
    )
    return list(trained.values()), optimizer


def gradients(n_steps):
    """[(3, 2), (2,)] of each step."""
    rng = np.random.default_rng(2)
    return [[rng.normal(size=(3, 2)), rng.normal(size=2)] for _ in range(n_steps)]


def rate_of(step):
    return 0.01 / (1 + 0.3 * step)


def run(optimizer, all_gradients, xla=False, first=0):
    @tf.function(jit_compile=xla, autograph=False)
    def update(gradients, rate):
        optimizer.update(gradients, rate)

    for step, values in enumerate(all_gradients, first):
        values = [
            tf.constant(g, v.dtype)
            for g, v in zip(values, optimizer.variables, strict=True)
        ]
        update(values, tf.constant(rate_of(step), tf.float64))


def values_of(variables):
    return [variable.numpy() for variable in variables]


@pytest.mark.parametrize("xla", [False, True])
@pytest.mark.parametrize(("settings", "rule"), CASES.values(), ids=CASES)
def test_updates_are_those_of_numpy(settings, rule, xla):
    variables, optimizer = made(**settings)
    expected, rules = values_of(variables), [rule(), rule()]
    run(optimizer, gradients(8), xla)
    for step, both in enumerate(gradients(8)):
        for values, g, one in zip(expected, both, rules, strict=True):
            values -= one(g, rate_of(step), step + 1)
    for found, values in zip(values_of(variables), expected, strict=True):
        np.testing.assert_allclose(found, values, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["adamw", "sgd", "nadam", "rmsprop"])
def test_decay_takes_from_kernels_before_the_update(name):
    rules = {
        "adamw": lambda: NumpyAdam(0.9, 0.999, 1e-7),
        "sgd": NumpySGD,
        "nadam": lambda: NumpyNadam(0.9, 0.999, 1e-7),
        "rmsprop": lambda: NumpyRMSprop(0.9, 1e-7),
    }
    variables, optimizer = made(name=name, weight_decay=0.3)
    (kernel, bias), rules = values_of(variables), [rules[name](), rules[name]()]
    run(optimizer, gradients(5))
    factor = 1.0
    for step, (of_kernel, of_bias) in enumerate(gradients(5)):
        rate = rate_of(step)
        kernel -= 0.3 * rate * kernel
        kernel -= rules[0](of_kernel, rate, step + 1)
        bias -= rules[1](of_bias, rate, step + 1)
        factor *= 1 - 0.3 * rate
    np.testing.assert_allclose(variables[0].numpy(), kernel, rtol=1e-12)
    np.testing.assert_allclose(variables[1].numpy(), bias, rtol=1e-12)
    assert optimizer.rest_factor.numpy() == pytest.approx(factor, rel=1e-14)


@pytest.mark.parametrize("name", ["adam", "nadam", "rmsprop", "sgd"])
def test_forms_are_those_of_keras(name):
    import keras

    variables, optimizer = made(name=name)
    classes = {"adam": "Adam", "nadam": "Nadam", "rmsprop": "RMSprop", "sgd": "SGD"}
    ours = [keras.Variable(v.numpy(), dtype="float64") for v in variables]
    theirs = getattr(keras.optimizers, classes[name])(learning_rate=2.0**-7)
    theirs.build(ours)
    for values in gradients(6):
        tensors = [tf.constant(g) for g in values]
        theirs.apply(tensors, ours)
        optimizer.update(tensors, tf.constant(2.0**-7, tf.float64))
    for found, expected in zip(variables, ours, strict=True):
        # Keras' coefficients are of single precision here and there.
        np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-5)


def test_coefficients_are_not_rounded_to_the_precision_of_the_weights():
    _, optimizer = made(dtype="float32")
    g = 0.125  # exact in float32
    run(optimizer, [[np.full((3, 2), g), np.full(2, g)]])
    # 1 - 0.999 in float32 is 1.00004e-3.
    velocity = optimizer.slots[0]["velocity"].numpy()[0, 0]
    assert velocity == np.float32(g * g * (1.0 - 0.999))


def test_slots_that_start_later_have_their_own_bias_correction():
    for name in ("adam", "nadam"):
        variables, optimizer = made(name=name)
        optimizer.iterations.assign(40)
        optimizer.first_steps = [0, 40]
        run(optimizer, gradients(3), first=40)
        late, (fresh, other) = variables[1], made(name=name)
        run(other, gradients(3), first=40)  # its steps count from 0
        np.testing.assert_array_equal(late.numpy(), fresh[1].numpy())
        assert not np.allclose(variables[0].numpy(), fresh[0].numpy(), rtol=1e-4)


CLIPPED = {
    "value": (ClippingSettings(value=0.5), lambda k, b: (k.clip(-0.5, 0.5), b)),
    "norm": (
        ClippingSettings(norm=1.0),
        lambda k, b: (k / np.sqrt(26.0), b),
    ),
    "global norm": (
        ClippingSettings(global_norm=1.0),
        lambda k, b: (k / np.sqrt(26.25), b / np.sqrt(26.25)),
    ),
}


@pytest.mark.parametrize(("clipping", "bounded"), CLIPPED.values(), ids=CLIPPED)
def test_gradients_are_clipped(clipping, bounded):
    variables, optimizer = made(clipping, name="sgd")
    before = values_of(variables)
    kernel, bias = np.zeros((3, 2)), np.array([0.3, -0.4])  # norms sqrt(26), 0.5
    kernel[0] = (-5.0, 1.0)
    optimizer.update([tf.constant(kernel), tf.constant(bias)], tf.constant(0.1))
    for found, start, g in zip(variables, before, bounded(kernel, bias), strict=True):
        np.testing.assert_allclose(start - found.numpy(), 0.1 * g, atol=1e-8)


def test_a_gradient_within_its_bound_is_left_alone():
    for clipping in (ClippingSettings(norm=9.0), ClippingSettings(global_norm=9.0)):
        (kernel, _), optimizer = made(clipping, name="sgd")
        free, other = made(name="sgd")
        run(optimizer, gradients(1))
        run(other, gradients(1))
        np.testing.assert_array_equal(kernel.numpy(), free[0].numpy())


@pytest.mark.parametrize("xla", [False, True])
@pytest.mark.parametrize("name", ["adamw", "nadam", "sgd"])
def test_accumulated_gradients_are_their_mean(name, xla):
    settings = {"name": name, "weight_decay": 0.1}
    clipping = ClippingSettings(global_norm=1.0)
    variables, optimizer = made(clipping, accumulate=4, **settings)
    plain, one_by_one = made(clipping, **settings)
    all_gradients = gradients(12)
    run(optimizer, all_gradients, xla)
    for last in (3, 7, 11):
        block = all_gradients[last - 3 : last + 1]
        means = [np.mean(part, axis=0) for part in zip(*block, strict=True)]
        run(one_by_one, [means], xla, first=last)  # with the rate of the last step
    for found, expected in zip(variables, plain, strict=True):
        np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-12)
    assert optimizer.iterations.numpy() == 12
    rest = [one.rest_factor.numpy() for one in (optimizer, one_by_one)]
    assert rest[0] == pytest.approx(rest[1], rel=1e-15)
