"""How the devices of a training are written: auto, cpu, gpu, gpu:0,1."""

import re

EXPECTED = "auto, cpu, gpu, or gpu:N,M with numbers of GPUs, each once"


def parse_accelerator(text):
    """The present spelling: lower case, no blanks; gpu:0,1 are the GPUs 0 and 1."""
    word = re.sub(r"\s", "", text).lower()
    if word in ("auto", "cpu", "gpu"):
        return word
    found = re.fullmatch(r"gpu:(\d{1,4}(?:,\d{1,4})*)", word)
    if found is None:
        raise ValueError(f"expected {EXPECTED}")
    numbers = [int(number) for number in found[1].split(",")]
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"expected {EXPECTED}")
    return f"gpu:{','.join(map(str, numbers))}"
