"""A portable model of OpenKIM, for the model driver of PANNA 1.

    NAME__MO_123456789012_000/    the model, named like its folder
        CMakeLists.txt            tells KIM's tools the driver and the parameter files
        panna.in                  gversion 0; the driver wants it first
        weights_X.dat

`kim-api-collections-management install` compiles the folder; any program that knows the
KIM API then runs it (doc/openkim.md). The driver computes generation 2 of mBP and knows
the activations linear, gaussian and relu.
"""

import re

from annpot.deploy.panna.plugin import plugin_files
from annpot.errors import InputError

DRIVER = "PANNA__MD_805652781592_000"
GVERSION = 0
UNNUMBERED = "000000000000"  # OpenKIM gives numbers to models that are submitted to it
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_WHOLE = re.compile(r"(?P<name>.+)__MO_\d{12}_\d{3}")
CMAKE = """\
cmake_minimum_required(VERSION 3.10)
list(APPEND CMAKE_PREFIX_PATH $ENV{{KIM_API_CMAKE_PREFIX_DIR}})
find_package(KIM-API-ITEMS 2.2 REQUIRED CONFIG)
kim_api_items_setup_before_project(ITEM_TYPE "portableModel")
project({model})
kim_api_items_setup_after_project(ITEM_TYPE "portableModel")
add_kim_api_model_library(
  NAME ${{PROJECT_NAME}}
  DRIVER_NAME "{driver}"
  PARAMETER_FILES {files}
)
"""


def model_name(given, species, where=""):
    """Full name of a model: NAME__MO_<12 digits>_<3 digits>.

    Args:
        given: such a name, or NAME alone; None for `annpot_` and the elements.
        species: symbols in order.
        where: beginning of a message: INI file, line and section.

    Raises:
        InputError: it is no name for KIM.
    """
    given = f"annpot_{''.join(species)}" if given is None else given
    whole = _WHOLE.fullmatch(given)
    name = whole["name"] if whole else given
    if not _NAME.fullmatch(name) or "__" in name or name.endswith("_"):
        raise InputError(
            f"{where}kim_model_name = {given}: expected a letter, then letters, digits "
            "and single underscores, as in My_potential_2, with or without "
            "__MO_<12 digits>_<3 digits> at its end."
        )
    return given if whole else f"{given}__MO_{UNNUMBERED}_000"


def kim_files(settings, specs, weights, generation, name=None, where=""):
    """The files of a portable model, not written yet, and what float32 takes away.

    Args:
        settings, specs, weights, generation: see `plugin_files`.
        name, where: see `model_name`.

    Returns:
        name of the folder, {file name: bytes}, and a RoundingLoss of each element.

    Raises:
        InputError: the driver does not compute such a model, or a wrong name.
    """
    model = model_name(name, settings.species, where)
    files, losses = plugin_files(
        settings, specs, weights, generation, GVERSION, form="output_type = KIM"
    )
    names = " ".join(f'"{file}"' for file in files)
    cmake = CMAKE.format(model=model, driver=DRIVER, files=names)
    return model, {"CMakeLists.txt": cmake.encode()} | files, losses
