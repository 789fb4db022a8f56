"""The canonical finance records and the arithmetic they must obey."""
