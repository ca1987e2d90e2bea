"""Compilation of numerical kernels, remembered between runs where possible."""

import logging

import numba

logger = logging.getLogger(__name__)


def compiled(**options):
    """Decorator: numba.njit with its machine code cached on disk.

    The cache lies in NUMBA_CACHE_DIR, else beside the source file, else in the
    user's cache folder. Where none of them can be written the function is compiled
    anew in every process instead of failing. Numba notices a change of the file a
    cached function stands in but not of files that function calls into, so what a
    kernel calls stands in the kernel's own file.

    Args:
        options: keywords of numba.njit other than `cache`.
    """

    def decorate(function):
        try:
            return numba.njit(cache=True, **options)(function)
        except RuntimeError as reason:
            logger.debug("%s is not cached: %s", function.__name__, reason)
            return numba.njit(**options)(function)

    return decorate
