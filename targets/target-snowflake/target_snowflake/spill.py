"""Arrow tables to Parquet files on disk, as they come: memory holds one row group, whatever the batch's size."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from ml_connector.errors import EnvironmentFault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class SpillOptions:
    """Where files go and how large they get; `file_size` is bytes, compressed (apis/snowflake.md §6: 100 to 250 MB)."""

    folder: Path
    file_size: int = 150_000_000
    compression: str = "snappy"


@dataclass(slots=True)
class Spill:
    """The files of one batch."""

    options: SpillOptions
    name: str
    files: list[Path] = field(default_factory=list)
    _writer: pq.ParquetWriter | None = None
    _schema: pa.Schema | None = None

    def write(self, table: pa.Table) -> None:
        """Append a row group; a new file begins when the last is large enough, or has other types.

        Raises:
            EnvironmentFault: The disk is full, or the folder cannot be written.
        """
        with _told(self.options.folder):
            if self._writer is not None and (table.schema != self._schema or self._is_large()):
                self._end()
            if self._writer is None:
                self._begin(table.schema)
            assert self._writer is not None  # noqa: S101  # for mypy
            self._writer.write_table(table, row_group_size=table.num_rows)

    def close(self) -> list[Path]:
        """Finish the last file and return all of them."""
        with _told(self.options.folder):
            self._end()
        return self.files

    @property
    def size(self) -> int:
        """How many bytes the files have."""
        return sum(path.stat().st_size for path in self.files if path.exists())

    def _begin(self, schema: pa.Schema) -> None:
        path = self.options.folder / f"{self.name}-{len(self.files):04}.parquet"
        self.files.append(path)
        self._schema = schema
        self._writer = pq.ParquetWriter(path, schema, compression=self.options.compression, version="2.6")

    def _end(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def _is_large(self) -> bool:
        return self.files[-1].stat().st_size >= self.options.file_size


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise EnvironmentFault(
                f"the disk of {folder} is full: rows on their way to Snowflake are kept there. Nothing that is not "
                "loaded was confirmed. Make room or set `spill_dir` to another disk, then run again."
            ) from None
        raise EnvironmentFault(
            f"{folder} cannot be written: {error.strerror or error}. Let this user write there, or set `spill_dir`."
        ) from None
