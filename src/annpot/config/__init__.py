"""INI files: `load_train("train.ini")` and its four sisters.

Each returns a frozen configuration with one attribute per section and one attribute
per key; nothing is imported before it is needed.
"""


def load_gvect(path, folder=None):
    """GvectConfig of app_gvect_calculator; raises InputError with all problems.

    With `folder` (PANNA's -f) structures are in folder/examples, descriptors go to
    folder/bin and the log to folder, whatever the file says.
    """
    from annpot.config.schema.gvect import GvectConfig

    if folder is None:
        return _load(GvectConfig, path)
    folders = {
        "input_json_dir": f"{folder}/examples",
        "output_gvect_dir": f"{folder}/bin",
        "log_dir": f"{folder}",
    }
    given = {("IO_INFORMATION", key): text for key, text in folders.items()}
    return _load(GvectConfig, path, given)


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


def _load(config_type, path, given=None):
    from annpot.config.load import load

    return load(config_type, path, given)
