"""TensorBoard event files, written without TensorFlow's slower summary operations."""

import os
import socket
import time
from pathlib import Path

import numpy as np
from tensorboard.compat.proto import event_pb2, summary_pb2

from annpot import files
from annpot.data.tfrecord import framed

FILE_VERSION = "brain.Event:2"
FLUSH_INTERVAL = 30.0  # seconds after which TensorBoard can see what was written
HISTOGRAM_BINS = 30


class EventLog:
    """Scalars and histograms of one folder of event files.

    Args:
        folder: where the event file goes.
        first_step: step at which this run starts; TensorBoard forgets what an earlier
            run wrote for later steps.

    Raises:
        InputError: the disk is full or the folder cannot be written; from each method.
    """

    def __init__(self, folder, first_step):
        files.make_folder(folder)
        now = time.time_ns()
        name = f"{now // 10**9}.{socket.gethostname()}.{os.getpid()}.{now % 10**9:09d}"
        self._path = Path(folder) / f"events.out.tfevents.{name}"
        self._flushed = time.monotonic()
        with files.explained_write_errors(self._path):
            self._stream = open(self._path, "xb")  # noqa: SIM115  (until close)
        self._add(0, file_version=FILE_VERSION)
        if first_step:
            start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
            self._add(first_step + 1, session_log=start)  # forgets from there on

    def scalars(self, step, values):
        """Write {tag: number} of one step."""
        summary = summary_pb2.Summary(
            value=[
                summary_pb2.Summary.Value(tag=tag, simple_value=value)
                for tag, value in values.items()
            ]
        )
        self._add(step, summary=summary)

    def histograms(self, step, arrays):
        """Write the distribution of each array of {tag: array}."""
        summary = summary_pb2.Summary(
            value=[
                summary_pb2.Summary.Value(tag=tag, histo=_histogram(values))
                for tag, values in arrays.items()
            ]
        )
        self._add(step, summary=summary)

    def flush(self):
        """Send to disk what is in memory."""
        self._flushed = time.monotonic()
        with files.explained_write_errors(self._path):
            self._stream.flush()

    def close(self):
        """Finish the file."""
        with files.explained_write_errors(self._path):
            self._stream.close()

    def _add(self, step, **content):
        event = event_pb2.Event(wall_time=time.time(), step=step, **content)
        with files.explained_write_errors(self._path):
            self._stream.write(framed(event.SerializeToString()))
        if time.monotonic() - self._flushed > FLUSH_INTERVAL:
            self.flush()


def _histogram(values):
    values = np.asarray(values, np.float64).ravel()
    counts, borders = np.histogram(values, HISTOGRAM_BINS)
    return summary_pb2.HistogramProto(
        min=values.min(),
        max=values.max(),
        num=len(values),
        sum=values.sum(),
        sum_squares=(values**2).sum(),
        bucket_limit=borders[1:].tolist(),
        bucket=counts.tolist(),
    )
