"""Files appear whole or not at all, and one process at a time writes into a folder."""

import errno

import pytest

from annpot import files
from annpot.errors import InputError


def stop_in_the_middle(path):
    with files.atomic_path(path) as temporary:
        temporary.write_text("half")
        raise ValueError("in the middle")


def test_a_failed_write_leaves_the_earlier_file_and_nothing_else(tmp_path):
    path = tmp_path / "result.dat"
    path.write_text("before")
    with pytest.raises(ValueError, match="in the middle"):
        stop_in_the_middle(path)
    assert path.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["result.dat"]


def test_a_full_disk_is_told_in_words(tmp_path, monkeypatch):
    def no_room(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "replace", no_room)
    with pytest.raises(InputError, match=r"result\.dat: the disk is full"):
        files.write_text(tmp_path / "result.dat", "text")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_cannot_be_written_is_told_in_words(tmp_path, monkeypatch):
    def read_only(*_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(files.os, "replace", read_only)
    message = (
        r"result\.dat: cannot be written \(Read-only file system\). Choose another"
    )
    with pytest.raises(InputError, match=message):
        files.write_text(tmp_path / "result.dat", "text")


def test_a_second_process_in_a_folder_is_refused(tmp_path):
    folder = tmp_path / "run"
    with files.only_one_in(folder, "app_train"):
        second = files.only_one_in(folder, "app_train")
        with pytest.raises(InputError, match="run: another app_train is writing"):
            second.__enter__()
        (folder / "kept").touch()
    with files.only_one_in(folder, "app_train"):
        pass
    assert [p.name for p in folder.iterdir()] == ["kept"]


def test_a_folder_that_nothing_was_written_into_is_taken_away_again(tmp_path):
    with files.only_one_in(tmp_path / "run", "app_train"):
        pass
    assert not (tmp_path / "run").exists()


def test_a_missing_folder_is_told(tmp_path):
    path = tmp_path / "nowhere" / "a.png"
    with pytest.raises(InputError) as raised, files.atomic_path(path) as temporary:
        temporary.write_text("a")
    assert str(raised.value) == (
        f"{path}: there is no folder {path.parent}. Make it, or choose another one."
    )
