"""Numbers of things in words."""


def counted(n, thing):
    """`1 structure`, `2 structures`."""
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"
