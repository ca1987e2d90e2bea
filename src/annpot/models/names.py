"""Names of the files that make a model of a folder of networks (doc/formats.md)."""

MODEL, GOLDEN, TRAINING_INI = "model.json", "golden.json", "training.ini"
FILE_NAMES = (MODEL, GOLDEN, TRAINING_INI)
