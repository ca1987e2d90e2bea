"""The part of a data set that a run trained on, validated on or kept for a test."""

from annpot.data.stored_split import decoded_division
from annpot.errors import InputError


class DataParts:
    """One part of a data set, found again for one checkpoint after the other.

    Args:
        part: "train", "validation" or "test".
        where: INI file and line that ask for it, for messages.
        path: folder or file of the data.
    """

    def __init__(self, part, where, path):
        self.part, self.where, self.path = part, where, path
        self._split = self._found = None

    def of(self, data, networks):
        """(part of the data, notices); checkpoints of one run share them.

        Args:
            data: RecordFolder or StructureData.
            networks: CheckpointNetworks.

        Raises:
            InputError: the checkpoint knows of no such part, or the data are not those
                that were divided.
        """
        if self._found is None or networks.split != self._split:
            self._split, self._found = networks.split, self._find(data, networks)
        return self._found

    def _find(self, data, networks):
        stored = decoded_division(networks.split, networks.file.prefix)
        name = networks.file.name
        if stored is None:
            raise InputError(
                f"{self.where}: split = {self.part}, but the data of {name} were not "
                "divided: it was trained without validation_split and test_split. "
                "Remove split to evaluate all of data_dir."
            )
        if not stored.size(self.part):
            raise InputError(
                f"{self.where}: split = {self.part}, but {name} was trained with "
                f"{self.part}_split = 0: there is no such part. Choose another one."
            )
        names = data.names()
        try:
            keep = stored.find(self.part, names)
        except InputError as error:
            raise InputError(
                f"{self.path}: is not the data that {name} was trained on: {error}. "
                "Give the folder of the training, complete, as data_dir."
            ) from None
        return data.chosen(keep), self._notices(stored, names)

    def _notices(self, stored, names):
        if stored.is_of(names):
            return []
        return [
            f"{self.path}: holds other structures than the data that were divided; the "
            f"{stored.size(self.part)} of the {self.part} set were found by name."
        ]
