"""Compilation of numerical kernels, remembered between runs where possible."""

import contextlib
import hashlib
import importlib
import logging
import sys
import threading
from functools import lru_cache
from pathlib import Path

import numba
from numba.core.caching import FunctionCache

logger = logging.getLogger(__name__)
COMPILING = "Compiling kernels, once on a machine: about 20 seconds."


def compiled(calls=(), **options):
    """Decorator: numba.njit with its machine code cached on disk.

    The cache lies in NUMBA_CACHE_DIR, else beside the source file, else in the
    user's cache folder. Where none of them can be written the function is compiled
    anew in every process instead of failing. What a kernel calls stands in the
    kernel's own folder or in one of `calls`, so that a change there is noticed.

    Args:
        calls: folders, as seen from the one that the kernel's own folder is in.
        options: keywords of numba.njit other than `cache`.
    """

    def decorate(function):
        for folder in _folders(function, calls):
            if not folder.is_dir():
                raise FileNotFoundError(folder)
        kernel = numba.njit(**options)(function)
        try:
            kernel._cache = _FolderCache(function)
            kernel._cache.calls = calls
        except RuntimeError as reason:
            logger.debug("%s is not cached: %s", function.__name__, reason)
        return kernel

    return decorate


@contextlib.contextmanager
def told_when_slow(seconds=2.0):
    """Log that kernels are being compiled if the block takes that long.

    For a first call, whose other work is short.
    """
    timer = threading.Timer(seconds, logger.warning, (COMPILING,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def start_without_scipy():
    """Load numba's array functions without scipy, which saves 0.2 s.

    At its first use numba imports scipy.linalg only to see whether numpy.kron could be
    compiled. Only a command does this, whose process is its own.
    """
    scipy = "scipy.linalg"
    if scipy in sys.modules:
        return
    sys.modules[scipy] = None  # importing it now fails
    try:
        importlib.import_module("numba.np.arraymath")
    finally:
        del sys.modules[scipy]


class _FolderCache(FunctionCache):
    """Machine code that is forgotten when a source file beside its own changes.

    Numba's own cache notices a change of the file a function stands in, but not of
    files that the function calls into; and it fails where its files cannot be used:
    damaged, of an earlier version with other classes, or on a full disk.
    """

    calls = ()  # folders beside the function's own that it calls into

    def load_overload(self, sig, target_context):
        try:
            return super().load_overload(sig, target_context)
        except Exception as reason:  # unpickling a strange file can raise anything
            logger.debug("%s: the cache is started anew: %s", self, reason)
            try:
                self.flush()
            except OSError:
                self.disable()
            return None

    def save_overload(self, sig, data):
        with contextlib.suppress(OSError):
            super().save_overload(sig, data)

    def _index_key(self, sig, codegen):
        folders = _folders(self._py_func, self.calls)
        return (*super()._index_key(sig, codegen), *map(_sources, folders))


def _folders(function, calls):
    """The folder of a function's file, and those of what it calls."""
    folder = Path(function.__code__.co_filename).parent
    return [folder, *(folder.parent / name for name in calls)]


@lru_cache
def _sources(folder):
    """sha256 of the source files of a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
