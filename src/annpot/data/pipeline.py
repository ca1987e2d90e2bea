"""Descriptor records from TFRecord files, read and parsed by tf.data."""

from dataclasses import dataclass

import numpy as np

from annpot.data.atom_tables import FlatRecords
from annpot.errors import InputError
from annpot.tensorflow_import import import_tensorflow

ENERGY_F64_BYTES = 8
PASS_BATCH = 200  # records parsed together when a whole data set is read once


@dataclass(frozen=True)
class ReadingOptions:
    """How hard tf.data works; never changes what comes out.

    Attributes:
        readers: batches read from disk at the same time.
        parsers: batches parsed at the same time.
        prefetch: batches kept ready.
    """

    readers: int = 1
    parsers: int = 1
    prefetch: int = 10


class RecordStream:
    """Batches of records of an index as FlatRecords, in the order asked for.

    Args:
        index: RecordIndex.
        n_features: descriptor length every record must have (g_size).
        n_species: number of elements; species indices must be below it.
        options: ReadingOptions.
    """

    def __init__(self, index, n_features, n_species, options=None):
        self.index = index
        self.n_features = n_features
        self.n_species = n_species
        self.options = options or ReadingOptions()
        self._failure = None

    def batches(self, record_batches, prefetch=None):
        """FlatRecords of each batch.

        Args:
            record_batches: iterable of (n,) integer arrays of record numbers.
            prefetch: batches kept ready; as the options say when None.

        Yields:
            FlatRecords, one per array, in the same order.

        Raises:
            InputError: a damaged record, a wrong g_size, an unknown species index,
                a number that is not finite; it names file and record.
        """
        tf = import_tensorflow()
        data = tf.data.Dataset.from_generator(
            lambda: record_batches,
            output_signature=tf.TensorSpec([None], tf.int64),
        )
        options = self.options
        as_it_is = tf.autograph.experimental.do_not_convert
        data = data.map(as_it_is(self._read), num_parallel_calls=options.readers)
        data = data.map(as_it_is(self._parse), num_parallel_calls=options.parsers)
        self._failure = None
        try:
            for batch in data.prefetch(
                prefetch or options.prefetch
            ).as_numpy_iterator():
                yield self._checked(*batch)
        except tf.errors.OpError as error:
            if self._failure is not None:
                raise self._failure from error
            raise InputError(
                f"{self.index.files[0].parent}: a record is not a descriptor record "
                f"({error.message.splitlines()[0]}). Pack the folder again with "
                "app_tfr_packer."
            ) from error

    def whole(self):
        """FlatRecords of the data set from first to last, `PASS_BATCH` at a time."""
        numbers = np.arange(len(self.index))
        return self.batches(
            numbers[start : start + PASS_BATCH]
            for start in range(0, len(numbers), PASS_BATCH)
        )

    def _read(self, records):
        tf = import_tensorflow()

        def read(numbers):
            try:
                return np.array(self.index.read(numbers), dtype=object)
            except InputError as error:  # tf.data would turn it into an OpError
                self._failure = error
                raise

        payloads = tf.numpy_function(read, [records], tf.string)
        return records, tf.ensure_shape(payloads, [None])

    def _parse(self, records, payloads):
        tf = import_tensorflow()
        ragged = tf.io.RaggedFeature
        features = tf.io.parse_example(
            payloads,
            {
                "energy": tf.io.FixedLenFeature([], tf.float32),
                "energy_f64": tf.io.FixedLenFeature([], tf.string, default_value=""),
                "species": ragged(tf.int64, row_splits_dtype=tf.int64),
                "gvects": ragged(tf.float32, row_splits_dtype=tf.int64),
            },
        )
        exact = features["energy_f64"]
        has_exact = tf.strings.length(exact) == ENERGY_F64_BYTES
        filled = tf.where(has_exact, exact, tf.constant(b"\0" * ENERGY_F64_BYTES))
        decoded = tf.io.decode_raw(filled, tf.float64)[:, 0]
        energies = tf.where(has_exact, decoded, tf.cast(features["energy"], tf.float64))
        return (
            records,
            energies,
            features["species"].row_lengths(),
            features["species"].flat_values,
            features["gvects"].row_lengths(),
            features["gvects"].flat_values,
        )

    def _checked(self, records, energies, n_atoms, species, n_values, g):
        def refuse(bad, problem):
            if bad.any():
                where = self.index.place(int(records[np.flatnonzero(bad)[0]]))
                raise InputError(f"{where}: {problem}")

        owner = np.repeat(np.arange(len(records)), n_atoms)

        def records_with(bad_atoms):
            return np.bincount(owner[bad_atoms], minlength=len(records)) > 0

        wrong = n_values != n_atoms * self.n_features
        if wrong.any():
            first = np.flatnonzero(wrong)[0]
            found = n_values[first] / max(n_atoms[first], 1)
            refuse(
                wrong,
                f"{found:g} descriptors per atom, expected g_size = {self.n_features}. "
                "Set g_size to what the data hold, or pack the data again.",
            )
        refuse(n_atoms == 0, "no atoms. Remove the structure and pack again.")
        g = g.reshape(-1, self.n_features)
        refuse(
            records_with((species < 0) | (species >= self.n_species)),
            f"a species index outside 0..{self.n_species - 1}. atomic_sequence must "
            "list the elements the descriptors were made with, in the same order.",
        )
        # A sum is finite exactly when all its terms are (they are far from overflow).
        refuse(
            ~np.isfinite(energies) | records_with(~np.isfinite(g.sum(axis=1))),
            "a number that is not finite. Remove the structure and pack again.",
        )
        return FlatRecords(energies, n_atoms, species, g)
