"""Numbers of things and lengths of time in words."""


def counted(n, thing):
    """`1 structure`, `2 structures`."""
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"


def duration(seconds):
    """`0.4 s`, `12 s`, `5 min 20 s`, `3 h 5 min`, `2 d 7 h`: two units at most."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit, length, smaller, part in (
        ("d", 86400, "h", 3600),
        ("h", 3600, "min", 60),
        ("min", 60, "s", 1),
    ):
        if whole >= length:
            rest = whole % length // part
            return f"{whole // length} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"
