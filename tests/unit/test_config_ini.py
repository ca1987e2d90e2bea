"""The INI reader: lines, comments, references, and what is no INI file."""

import pytest

from annpot.config.ini import read_ini
from annpot.errors import InputError


def read(tmp_path, text):
    path = tmp_path / "run.ini"
    path.write_text(text)
    ini, findings = read_ini(path)
    findings.raise_if_wrong()
    return ini


def values(ini, section):
    return {key: e.text for (name, key), e in ini.entries.items() if name == section}


def refused(tmp_path, text):
    """Message for a file, without the folder."""
    with pytest.raises(InputError) as error:
        read(tmp_path, text)
    return str(error.value).replace(f"{tmp_path}/", "")


def test_keys_remember_their_lines(tmp_path):
    ini = read(
        tmp_path,
        "# about\n\n[A]\nx = 1\n\n; note\ny : 2,\n    # inside\n    3\nZ=4\n[B]\nx=5\n",
    )
    lines = {key: entry.line for key, entry in ini.entries.items()}
    assert lines == {("A", "x"): 4, ("A", "y"): 7, ("A", "z"): 10, ("B", "x"): 12}
    assert ini.headers == {"A": 3, "B": 11}
    assert ini.where("A", "Z") == f"{tmp_path}/run.ini:10"
    assert ini.where("A", "absent") == f"{tmp_path}/run.ini:3"
    assert ini.where("C", "absent") == f"{tmp_path}/run.ini"


def test_comments_end_lines_and_stand_alone(tmp_path):
    ini = read(
        tmp_path,
        "[A]\nx = 1 ; one\ny = a#b # hash\nz = 1,\n  2 # two\n  ; three\n  3\n",
    )
    assert values(ini, "A") == {"x": "1", "y": "a#b", "z": "1, 2 3"}


def test_values_may_hold_both_separators(tmp_path):
    ini = read(tmp_path, "[A]\narchitecture = 128:32:1\nb: c=d\nempty =\n")
    assert values(ini, "A") == {"architecture": "128:32:1", "b": "c=d", "empty": ""}


def test_references_reach_keys_and_sections(tmp_path):
    ini = read(
        tmp_path,
        "[DEFAULT]\nroot = data\n[A]\nx = %(root)s/a\ny = ${x}/b\nz = ${B:Q}\n"
        "w = 50%% $${x} 5$\n[B]\nq = ${A:y}!\n",
    )
    assert values(ini, "A") == {
        "x": "data/a",
        "y": "data/a/b",
        "z": "data/a/b!",
        "w": "50% ${x} 5$",
    }
    assert "DEFAULT" not in ini.headers


def test_broken_references_tell_their_line(tmp_path):
    text = "[A]\nx = %(none)s\ny = ${B:z}\np = ${q}\nq = %(p)s\nr = 50% more\n"
    circle = "its references go in a circle."
    assert refused(tmp_path, text).splitlines() == [
        "run.ini:2: [A] x: it refers to 'none', which is not in [A]. Check the "
        "spelling of the reference.",
        "run.ini:3: [A] y: it refers to 'z', which is not in [B]. Check the spelling "
        "of the reference.",
        f"run.ini:4: [A] p: {circle}",
        f"run.ini:5: [A] q: {circle}",
        "run.ini:6: [A] r: found '%' in '50% more'. Write %% for a percent sign, "
        "%(key)s or ${section:key} for a reference.",
        "5 problems in run.ini. Keywords: doc/keywords.md",
    ]


def test_doubles_tell_both_lines(tmp_path):
    assert refused(tmp_path, "[A]\nx = 1\nX = 2\n[B]\n[A]\ny = 3\n").splitlines() == [
        "run.ini:3: key 'X' is given a second time in [A], first in line 2. Keep one.",
        "run.ini:5: section [A] appears a second time, first in line 1. Join the two.",
        "2 problems in run.ini. Keywords: doc/keywords.md",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "x = 1\n",
            "run.ini:1: found 'x = 1' before any section, expected a header such as "
            "[IO_INFORMATION].",
        ),
        (
            "[A]\nx = 1\nhello\n",
            "run.ini:3: found 'hello', expected 'key = value' or '[SECTION]'.",
        ),
    ],
)
def test_what_is_no_ini_is_told_with_its_line(tmp_path, text, message):
    assert refused(tmp_path, text) == message


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "latin.ini").write_bytes(b"[A]\nx = \xe9\n")
    expected = {
        "none.ini": "no such file. Correct the path of the INI file.",
        ".": "is a folder, expected an INI file.",
        "latin.ini": "byte 8 is not UTF-8 text, expected an INI file. Save the file as "
        "UTF-8.",
    }
    for name, message in expected.items():
        with pytest.raises(InputError) as error:
            read_ini(tmp_path / name)
        assert str(error.value) == f"{tmp_path / name}: {message}"


def test_a_byte_order_mark_is_no_problem(tmp_path):
    (tmp_path / "bom.ini").write_bytes(b"\xef\xbb\xbf[A]\r\nx = 1\r\n")
    ini, _ = read_ini(tmp_path / "bom.ini")
    assert values(ini, "A") == {"x": "1"}
