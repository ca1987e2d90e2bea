"""Rules on the networks of a training INI: layers, first weights, sizes."""

LISTS = ("trainable", "activations", "behavior", "initial_gain", "initial_bias")


def layer_counts_agree(parts, ini, findings):
    """All lists of one element speak of the same number of layers.

    A list that is inherited from [DEFAULT_NETWORK] counts as the element's own.
    """
    default = {"DEFAULT_NETWORK": parts.default_network}
    for name, section in {**default, **parts.elements}.items():
        architecture, source = _inherited("architecture", name, section, parts)
        lengths = {}
        for key in LISTS:
            values, owner = _inherited(key, name, section, parts)
            if values is not None:
                lengths[key] = (len(values), owner)
        if architecture is not None:
            _compare_with_architecture(
                name, len(architecture), source, lengths, ini, findings
            )
        else:
            _compare_lists(name, lengths, ini, findings)


def _inherited(key, name, section, parts):
    """(value, section it stands in) of a list, from the element or the default."""
    value = getattr(section, key, None)
    if value is not None:
        return value, name
    return getattr(parts.default_network, key, None), "DEFAULT_NETWORK"


def _compare_with_architecture(name, n_layers, source, lengths, ini, findings):
    for key, (length, owner) in lengths.items():
        told_for_default = name != owner and name != source
        if length == n_layers or told_for_default:
            continue
        of_default = " of [DEFAULT_NETWORK]" if source != name else ""
        inherits = "the " if owner == name else "inherits "
        verb = f"{key} has" if owner == name else f"{inherits}{key} with"
        findings.problem(
            f"[{name}] architecture{of_default} has {n_layers} layers but {verb} "
            f"{length}. Give one {_singular(key)} per layer.",
            ini.line(name, key if owner == name else "architecture"),
        )


def _compare_lists(name, lengths, ini, findings):
    own = {key: length for key, (length, owner) in lengths.items() if owner == name}
    if len(set(own.values())) > 1:
        counts = ", ".join(f"{key} {length}" for key, length in own.items())
        findings.problem(
            f"[{name}] speaks of different numbers of layers: {counts}. Give one value "
            "per layer in each.",
            ini.line(name, next(iter(own))),
        )


def _singular(key):
    return {
        "trainable": "flag",
        "activations": "activation",
        "initial_gain": "gain",
        "initial_bias": "spread",
    }.get(key, key)


def last_layer_is_one_energy(parts, ini, findings):
    """The last layer gives the atomic energy, one number."""
    default = {"DEFAULT_NETWORK": parts.default_network}
    for name, section in {**default, **parts.elements}.items():
        sizes = section.architecture
        if sizes and sizes[-1] != 1:
            written = ":".join(map(str, sizes))
            findings.problem(
                f"[{name}] architecture = {written}: the last layer gives the atomic "
                f"energy and has size 1, found {sizes[-1]}.",
                ini.line(name, "architecture"),
            )


def every_element_has_a_network(parts, ini, findings):
    """Without extracted networks the file itself must tell the layers."""
    if parts.data.atomic_sequence is None:
        return
    default = parts.default_network
    if default.networks_metadata or default.architecture:
        return
    told = ini.has("DEFAULT_NETWORK", "architecture")
    missing = [
        symbol
        for symbol, section in parts.elements.items()
        if section.architecture is None and not ini.has(symbol, "architecture")
    ]
    if missing and not told:
        findings.problem(
            f"no architecture for {', '.join(missing)}. Give [DEFAULT_NETWORK] "
            "architecture, or networks_metadata to start from extracted networks.",
            ini.line("DEFAULT_NETWORK"),
        )


def first_weights_exist(parts, ini, findings):
    """`load` and `keep` need something to load or to keep."""
    if parts.default_network.networks_metadata:
        return
    for symbol, section in parts.elements.items():
        weights, biases = section.layer_w_files or {}, section.layer_b_files or {}
        for layer, behavior in enumerate(section.behavior or ()):
            files = layer in weights and layer in biases
            if behavior == "new" or (behavior == "load" and files):
                continue
            also = f", or layer{layer}_w_file and layer{layer}_b_file"
            findings.problem(
                f"[{symbol}] behavior of layer {layer} is {behavior} but there is "
                f"nothing to {behavior}. Give [DEFAULT_NETWORK] networks_metadata"
                f"{also if behavior == 'load' else ''}, or write new.",
                ini.line(symbol, "behavior"),
            )


def layer_files_have_layers(parts, ini, findings):
    """Files are given for layers that exist, and are of layers that load."""
    for symbol, section in parts.elements.items():
        sizes, _ = _inherited("architecture", symbol, section, parts)
        for kind, files in (
            ("w", section.layer_w_files or {}),
            ("b", section.layer_b_files or {}),
        ):
            for layer in files:
                key = f"layer{layer}_{kind}_file"
                _check_layer(symbol, key, layer, sizes, section, ini, findings)


def _check_layer(symbol, key, layer, sizes, section, ini, findings):
    line = ini.line(symbol, key)
    if sizes is not None and layer >= len(sizes):
        findings.problem(
            f"[{symbol}] {key}: there are {len(sizes)} layers, counted from 0 to "
            f"{len(sizes) - 1}.",
            line,
        )
    elif section.behavior and section.behavior[layer : layer + 1] not in (
        (),
        ("load",),
    ):
        findings.problem(
            f"[{symbol}] {key} is given but behavior of layer {layer} is "
            f"{section.behavior[layer]}. Write load for this layer or remove the key.",
            line,
        )


def power_has_something_to_scale(parts, ini, findings):
    """standardize_power is about standardize."""
    network = parts.default_network
    if network.standardize is False and network.standardize_power not in (None, 1.0):
        findings.notice(
            "[DEFAULT_NETWORK] standardize_power has no effect without standardize = "
            "True.",
            ini.line("DEFAULT_NETWORK", "standardize_power"),
        )


NETWORK_RULES = (
    layer_counts_agree,
    last_layer_is_one_energy,
    every_element_has_a_network,
    first_weights_exist,
    layer_files_have_layers,
    power_has_something_to_scale,
)
