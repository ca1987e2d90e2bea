"""TensorBoard event files, written without TensorFlow's slower summary operations."""

import time

import numpy as np
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.event_file_writer import EventFileWriter

HISTOGRAM_BINS = 30


class EventLog:
    """Scalars and histograms of one folder of event files.

    Args:
        folder: where the event file goes.
        first_step: step at which this run starts; TensorBoard forgets what an earlier
            run wrote for later steps.
    """

    def __init__(self, folder, first_step):
        self._writer = EventFileWriter(str(folder))
        if first_step:
            start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
            self._add(first_step, session_log=start)

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
        self._writer.flush()

    def close(self):
        """Finish the file."""
        self._writer.close()

    def _add(self, step, **content):
        event = event_pb2.Event(wall_time=time.time(), step=step, **content)
        self._writer.add_event(event)


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
