"""What can be wrong with partitions."""


class PartitionError(ValueError):
    """A definition, mapping or stored set that cannot be used."""


class UnknownPartitionError(PartitionError):
    """A key that is not the exact text of an existing partition."""
