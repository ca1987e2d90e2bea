"""Chunks with forces for the compiled step, made beside it by another thread."""

from concurrent.futures import ThreadPoolExecutor

from annpot.training.cuts import cuts
from annpot.training.feed import Piece
from annpot.training.shares import chunk_of_shares


class ForceFeed:
    """Pieces of a run, in order.

    Args:
        data: StoredData or ComputedData.
        settings: CutSettings.
    """

    def __init__(self, data, settings):
        self.data, self.settings = data, settings
        self.is_resident = data.is_resident

    def pieces(self, segments):
        """Iterate over the Pieces of consecutive segments, one kept ready.

        Args:
            segments: iterable of (first_step, n_steps).
        """
        stretches = cuts(self.settings, self.data.counts, segments)

        def following():
            stretch = next(stretches, None)
            if stretch is None:
                return None
            records, room = stretch
            chunk = chunk_of_shares(
                lambda part: self.data.chunk(part, room),
                records,
                self.settings.n_devices,
            )
            return Piece(self.data.tables, chunk)

        with ThreadPoolExecutor(1) as beside:
            waiting = beside.submit(following)
            while (piece := waiting.result()) is not None:
                waiting = beside.submit(following)
                yield piece
