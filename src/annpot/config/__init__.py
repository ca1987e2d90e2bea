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
    """TrainConfig of app_train; raises InputError with all problems.

    Of a file with stages it is what they have in common, `load_plan(path).base`.
    """
    return load_plan(path).base


def load_train_text(text, name, given=None):
    """TrainConfig of an INI text that is no file, such as that in a checkpoint.

    Args:
        text: the text; sections of stages are read and left out.
        name: what it is called in messages: the checkpoint's path.
        given: {(section, key): text} that wins over the text.

    Raises:
        InputError: with every problem of the text.
    """
    from annpot.config.stages import load_plan

    return load_plan(name, given=given, text=text).base


def load_plan(path, stored=None, given=None):
    """TrainPlan of app_train: one run, or several stages.

    Args:
        path: the INI file.
        stored: path of a stored plan, or function that gives it for a train_dir; its
            stages that the file lacks are added. A file that does not exist holds none.
        given: {(section, key): text} that wins over the file.

    Raises:
        InputError: with every problem of the file and of its stages.
    """
    from annpot.config.stages import load_plan

    return load_plan(path, stored, given)


def load_stage_sections(path):
    """{name: StageSection} of a file that holds only sections [STAGE:name].

    Raises:
        InputError: it cannot be read, holds no stage, or something else as well.
    """
    from annpot.config.stage_sections import load_stage_sections

    return load_stage_sections(path)


def appended_plan(stored_path, stage_ini, replace=False, text=None):
    """TrainPlan of a stored plan with the stages of the file `stage_ini` added.

    Args:
        stored_path: the stored plan.
        stage_ini: a file that holds only sections [STAGE:name].
        replace: whether a stage that the plan has already is replaced.
        text: content of the stored plan, where it is not what the disk has.

    Raises:
        InputError: with every problem of the whole, or a stage is there already.
    """
    from annpot.config.stages import appended_plan

    return appended_plan(stored_path, stage_ini, replace, text)


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
