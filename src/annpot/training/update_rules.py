"""How an optimizer moves one variable: gradient and slots to new slots and a change.

With g the gradient, a the learning rate, t the number of the update from 1, slots at
zero before the first one; w <- w - change:

    adam, adamw   m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2
                  change = a sqrt(1 - b2^t) / (1 - b1^t)  m / (sqrt(v) + eps)
    nadam         m, v as Adam;  u_t = b1 (1 - 0.96^t / 2),  U_t = u_1 ... u_t
                  n = u_(t+1) m / (1 - U_(t+1)) + (1 - u_t) g / (1 - U_t)
                  change = a n / (sqrt(v / (1 - b2^t)) + eps)
    rmsprop       v <- rho v + (1 - rho) g^2,  d = a g / sqrt(v + eps)
                  change = d, or with momentum p the slot m <- p m + d
    sgd           change = a g, or with momentum p: m <- p m - a g, change = -m;
                  nesterov: change = a g - p m

These are the forms of Keras 3; coefficients are float64, whatever the precision of the
weights (Keras rounds them to float32 first: 1 - 0.999 is then wrong by 1e-5).

Sources: D. P. Kingma, J. Ba, arXiv:1412.6980 (2014), end of section 2; T. Dozat, ICLR
workshop (2016); T. Tieleman, G. Hinton, Coursera (2012), lecture 6.5; I. Sutskever et
al., ICML (2013).
"""

from annpot.networks.element_network import tf

NADAM_DECAY = 0.96  # of Keras: u_t rises to b1 within some hundred updates
NADAM_TERMS = 1000  # 0.96^1000 is 2e-18: later factors of U are b1


def adam(gradient, slots, rate, t, settings):
    """(new slots, change) of Adam and AdamW."""
    slots = _moments(gradient, slots, settings)
    correction = tf.sqrt(1.0 - settings.beta2**t) / (1.0 - settings.beta1**t)
    rate = tf.cast(rate * correction, gradient.dtype)
    m, v = slots["momentum"], slots["velocity"]
    return slots, rate * m / (tf.sqrt(v) + settings.epsilon)


def nadam(gradient, slots, rate, t, settings):
    """(new slots, change) of Adam with Nesterov's momentum."""
    slots = _moments(gradient, slots, settings)
    b1, dtype = settings.beta1, gradient.dtype
    u, u_next = (b1 * (1.0 - 0.5 * NADAM_DECAY**n) for n in (t, t + 1.0))
    product = b1**t * _nadam_product(t)
    m_factor = tf.cast(rate * u_next / (1.0 - product * u_next), dtype)
    g_factor = tf.cast(rate * (1.0 - u) / (1.0 - product), dtype)
    v_factor = tf.cast(1.0 / (1.0 - settings.beta2**t), dtype)
    step = m_factor * slots["momentum"] + g_factor * gradient
    root = tf.sqrt(slots["velocity"] * v_factor)
    return slots, step / (root + settings.epsilon)


def rmsprop(gradient, slots, rate, t, settings):
    """(new slots, change) of RMSprop, not centred."""
    v = slots["velocity"]
    v = v + (gradient * gradient - v) * (1.0 - settings.rho)
    change = tf.cast(rate, v.dtype) * gradient / tf.sqrt(v + settings.epsilon)
    if not settings.momentum:
        return {"velocity": v}, change
    change = settings.momentum * slots["momentum"] + change
    return {"velocity": v, "momentum": change}, change


def sgd(gradient, slots, rate, t, settings):
    """(new slots, change) of gradient descent with momentum."""
    step = tf.cast(rate, gradient.dtype) * gradient
    if not settings.momentum:
        return {}, step
    m = settings.momentum * slots["momentum"] - step
    change = step - settings.momentum * m if settings.nesterov else -m
    return {"momentum": m}, change


RULES = {"adam": adam, "adamw": adam, "nadam": nadam, "rmsprop": rmsprop, "sgd": sgd}
MOMENTS = ("momentum", "velocity")


def slot_names(settings):
    """Names of the slots of a rule."""
    if settings.name == "rmsprop":
        return MOMENTS if settings.momentum else ("velocity",)
    if settings.name == "sgd":
        return ("momentum",) if settings.momentum else ()
    return MOMENTS


def _moments(gradient, slots, settings):
    m, v = slots["momentum"], slots["velocity"]
    return {
        "momentum": m + (gradient - m) * (1.0 - settings.beta1),
        "velocity": v + (gradient * gradient - v) * (1.0 - settings.beta2),
    }


def _nadam_product(t):
    """prod_(i <= t) (1 - 0.96^i / 2), float64."""
    i = tf.range(1, NADAM_TERMS + 1, dtype=tf.float64)
    factors = 1.0 - 0.5 * tf.constant(NADAM_DECAY, tf.float64) ** i
    return tf.reduce_prod(tf.where(i <= t, factors, tf.ones_like(i)))
