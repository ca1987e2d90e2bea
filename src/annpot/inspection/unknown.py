"""What a file looks like that nothing else knows."""

from pathlib import Path

from annpot.inspection.sheet import Sheet

MAGIC = (
    (b"\x89PNG", "a picture (PNG)"),
    (b"\x89HDF\r\n", "an HDF5 file"),
    (b"CDF", "a NetCDF file"),
    (b"PK\x03\x04", "a ZIP archive (.npz, .keras and others)"),
    (b"\x1f\x8b", "a file compressed by gzip"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x03", "a Python pickle"),
    (b"SQLite format 3", "an SQLite database (as ASE's)"),
    (b"{", "a JSON object"),
    (b"[", "a JSON list, or an INI file"),
    (b"#!", "a script"),
)
KNOWN = (
    "Known are checkpoints, their folders, train_dirs and stages, folders of data, "
    ".bin, .tfrecord, .example, .xyz, INI files, extracted networks, models, "
    "evaluations, metrics, TensorBoard events and .npy arrays (doc/formats.md)."
)
SUFFIXES_SHOWN = 8


def unknown_file_sheet(path, head):
    """Sheet of a file that is none of annpot's.

    Args:
        path: the file.
        head: its first bytes.
    """
    facts = {"looks_like": _looks_like(head), "bytes": Path(path).stat().st_size}
    if _is_text(head) and head:
        line = head.decode("utf-8", "replace").splitlines()[0]
        facts["first_line"] = line[:70]
    return Sheet(str(path), "unknown file", facts, notes=(KNOWN,), is_known=False)


def unknown_folder_sheet(folder, names, is_all, inner):
    """Sheet of a folder that is none of annpot's.

    Args:
        folder: path.
        names: of what it holds.
        is_all: whether these are all.
        inner: names of subfolders that are something of annpot.
    """
    suffixes = {}
    for name in names:
        suffix = Path(name).suffix or "(no suffix)"
        suffixes[suffix] = suffixes.get(suffix, 0) + 1
    most = sorted(suffixes.items(), key=lambda item: -item[1])[:SUFFIXES_SHOWN]
    facts = {
        "entries": len(names) if is_all else f"more than {len(names)}",
        "suffixes": dict(most) or None,
        "look_into": inner or None,
    }
    kind = "unknown folder" if names else "empty folder"
    return Sheet(str(folder), kind, facts, notes=(KNOWN,), is_known=False)


def _looks_like(head):
    if not head:
        return "an empty file"
    for magic, words in MAGIC:
        if (
            head.lstrip().startswith(magic)
            if magic in (b"{", b"[")
            else (head.startswith(magic))
        ):
            return words
    return "a text" if _is_text(head) else "binary data"


def _is_text(head):
    try:
        head[:-4].decode("utf-8")  # a letter may be cut at the end
    except UnicodeDecodeError:
        return False
    return b"\0" not in head
