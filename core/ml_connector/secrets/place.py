"""Which vault a process uses: the one that is named, else the Meltano project's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

VAULT_VARIABLE = "ML_CONNECTOR_VAULT"


def vault_path(environ: Mapping[str, str], start: Path | None = None) -> Path:
    """Return where the vault is, or would be made: as named, in the Meltano project, or in a project above `start`."""
    if named := environ.get(VAULT_VARIABLE):
        return Path(named)
    if root := environ.get("MELTANO_PROJECT_ROOT"):
        return _inside(Path(root))
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / "meltano.yml").is_file() or _inside(folder).is_file():
            return _inside(folder)
    return _inside(start)


def _inside(folder: Path) -> Path:
    return folder / ".ml-connector" / "vault.json"
