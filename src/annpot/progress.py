"""Progress of long work: a bar on a terminal, plain lines anywhere else."""

import contextlib
import sys
import time

PLAIN_INTERVAL = 5.0  # seconds between plain lines


@contextlib.contextmanager
def progress(description, total, unit="", stream=None):
    """Context whose value is `advance(n, note="")`.

    Args:
        description: what is being done, for example "descriptors".
        total: number of steps of the whole work; None when it is not known.
        unit: what a step is, for example "structures".
        stream: where to write; standard output when None.
    """
    stream = sys.stdout if stream is None else stream
    show = _bar if stream.isatty() else _plain_lines
    with show(description, total, unit, stream) as advance:
        yield advance


@contextlib.contextmanager
def _bar(description, total, unit, stream):
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TextColumn(unit), TimeRemainingColumn(), TextColumn("{task.fields[note]}"),
    )  # fmt: skip
    with Progress(*columns, console=Console(file=stream)) as bar:
        task = bar.add_task(description, total=total, note="")
        yield lambda n=1, note="": bar.update(task, advance=n, note=note)


@contextlib.contextmanager
def _plain_lines(description, total, unit, stream):
    started = shown = time.monotonic()
    done = told = 0

    def advance(n=1, note="", at_once=False):
        nonlocal done, shown, told
        done += n
        now = time.monotonic()
        if done != total and now - shown < PLAIN_INTERVAL and not at_once:
            return
        shown, told = now, done
        count = done if total is None else f"{done}/{total}"
        ending = f" in {now - started:.1f} s"
        if total is not None and done < total:
            left = (now - started) / max(done, 1) * (total - done)
            ending = f", {left:.0f} s left"
        text = f"{description}: {count} {unit}{ending} {note}"
        print(text.rstrip(), file=stream, flush=True)

    yield advance
    if told < done:  # the total was not known
        advance(0, at_once=True)
