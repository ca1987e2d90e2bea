"""Compilation goes on where nothing can be cached."""

import numba

from annpot.compiled import compiled


def test_a_function_is_compiled_and_cached():
    @compiled()
    def double(x):
        return 2 * x

    assert double(3) == 6
    assert double._cache.cache_path


def test_without_a_writable_cache_folder_the_function_still_compiles(monkeypatch):
    plain = numba.njit

    def no_cache(cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return plain(**options)

    monkeypatch.setattr(numba, "njit", no_cache)

    @compiled(nogil=True)
    def triple(x):
        return 3 * x

    assert triple(3) == 9
