"""Writing files so that a reader never sees half of one."""

import contextlib
import errno
import fcntl
import os
import shutil
from pathlib import Path

from annpot.errors import InputError

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextlib.contextmanager
def atomic_path(path, durable=True):
    """Temporary path beside `path` that takes its name when the block succeeds.

    The content is synced to disk before the rename, unless `durable` is False:
    then a killed process still leaves no half file, but a power cut may. When the
    block fails, the temporary file is removed and what stood at `path` before is
    untouched.

    Raises:
        InputError: the disk is full or the folder cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with explained_write_errors(path):
            yield temporary
            if durable:
                sync(temporary)
            os.replace(temporary, path)
            if durable:
                sync(path.parent)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def write_text(path, text):
    """Write `text` to `path` atomically (see `atomic_path`)."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_bytes(path, content):
    """Write `content` to `path` atomically (see `atomic_path`)."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def sync(path):
    """Force a written file, or the names in a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def content_of(path):
    """Bytes of a file.

    Raises:
        InputError: it does not exist, is a folder or may not be read.
    """
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file.") from None
    except IsADirectoryError:
        raise InputError(
            f"{path}: is a folder, expected a file. Move it away or rename it."
        ) from None
    except PermissionError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}). Change its permissions."
        ) from None


def remove_leftovers(folder):
    """Delete the temporary files that killed processes left in a folder.

    Only one process at a time may write into the folder.
    """
    for path in Path(folder).glob(".*.tmp"):
        path.unlink(missing_ok=True)


def names_in(folder, suffix):
    """Sorted names of a folder's files that end with `suffix` and are not hidden."""
    names = os.listdir(folder)
    return sorted(n for n in names if n.endswith(suffix) and not n.startswith("."))


def free_bytes(path):
    """Bytes free on the disk where a file or folder is or will be."""
    path = Path(path).absolute()
    there = next(folder for folder in (path, *path.parents) if folder.exists())
    return shutil.disk_usage(there).free


def make_folder(path):
    """Create a folder and its parents; an existing one is fine."""
    with explained_write_errors(path):
        Path(path).mkdir(parents=True, exist_ok=True)


@contextlib.contextmanager
def explained_write_errors(path):
    """Turn the operating system's refusals to write `path` into an InputError."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise InputError(
                f"{path}: the disk is full ({error.strerror}). Nothing was changed "
                "there; free some space and run the same command again."
            ) from error
        if isinstance(error, IsADirectoryError):
            raise InputError(
                f"{path}: is a folder, expected a file. Move it away or rename it."
            ) from error
        refused = (PermissionError, NotADirectoryError, FileExistsError)
        if isinstance(error, refused) or error.errno == errno.EROFS:
            raise InputError(
                f"{path}: cannot be written ({error.strerror}). Choose another folder "
                "or change its permissions."
            ) from error
        if isinstance(error, FileNotFoundError) and not Path(path).parent.exists():
            raise InputError(
                f"{path}: there is no folder {Path(path).parent}. Make it, or choose "
                "another one."
            ) from error
        raise


@contextlib.contextmanager
def only_one_in(folder, command):
    """Let one process at a time write into a folder.

    The operating system gives the folder back when the process ends, however it ends.

    Args:
        folder: created if absent, and removed again if nothing was put into it; holds
            the empty file `.in_use` meanwhile.
        command: name of the command, for the message.

    Raises:
        InputError: another process is writing there.
    """
    folder = Path(folder)
    is_new = not folder.exists()
    make_folder(folder)
    path = folder / ".in_use"
    stream = _locked(path)
    if stream is None:
        raise InputError(
            f"{folder}: another {command} is writing there. Wait until it ends, or "
            "choose another folder."
        )
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        stream.close()
        if is_new and not any(folder.iterdir()):
            folder.rmdir()


def _locked(path):
    """Open file that this process alone has locked, None where another has.

    A file that its owner took away between opening and locking is no lock.
    """
    while True:
        with explained_write_errors(path):
            stream = open(path, "w")  # noqa: SIM115  (closed by the caller)
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.close()
            return None
        if path.exists() and os.path.samestat(os.fstat(stream.fileno()), path.stat()):
            return stream
        stream.close()
