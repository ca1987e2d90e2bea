"""INI files: `load_train("train.ini")` and its four sisters.

Each returns a frozen configuration with one attribute per section and one attribute
per key; nothing is imported before it is needed.
"""


def load_gvect(path):
    """GvectConfig of app_gvect_calculator; raises InputError with all problems."""
    from annpot.config.schema.gvect import GvectConfig

    return _load(GvectConfig, path)


def load_tfr(path):
    """TfrConfig of app_tfr_packer; raises InputError with all problems."""
    from annpot.config.schema.tfr import TfrConfig

    return _load(TfrConfig, path)


def load_train(path):
    """TrainConfig of app_train; raises InputError with all problems."""
    from annpot.config.schema.train import TrainConfig

    return _load(TrainConfig, path)


def load_evaluate(path):
    """EvaluateConfig of app_evaluate; raises InputError with all problems."""
    from annpot.config.schema.evaluate import EvaluateConfig

    return _load(EvaluateConfig, path)


def load_extract(path):
    """ExtractConfig of app_extract_weights; raises InputError with all problems."""
    from annpot.config.schema.extract import ExtractConfig

    return _load(ExtractConfig, path)


def _load(config_type, path):
    from annpot.config.load import load

    return load(config_type, path)
