"""Keys of app_train: data that are only looked at."""

from pathlib import Path
from typing import ClassVar, Literal

from annpot.config.grammar import INTEGER, PATH, WORD
from annpot.config.schema.keys import Section, stage_key


class TrainValidation(Section):
    """Data that are only looked at."""

    name: ClassVar[str] = "VALIDATION_OPTIONS"
    about: ClassVar[str] = "Data that are evaluated at the end of each epoch."

    data_dir: Path | None = stage_key(
        PATH,
        None,
        affects_result=False,
        help="folder of the data to validate on; a file for input_format = example",
        default_text="no validation",
    )
    batch_size: int | None = stage_key(
        INTEGER,
        None,
        ge=1,
        le=10**7,
        affects_result=False,
        unit="structures",
        help="structures evaluated together",
        default_text="[TRAINING_PARAMETERS] batch_size",
        without_effect="averages do not depend on it; up to 1000 are taken together",
    )
    input_format: Literal["tfr", "example", "structure"] | None = stage_key(
        WORD,
        None,
        affects_result=False,
        help="format of the data, as above",
        default_text="[IO_INFORMATION] input_format",
    )
