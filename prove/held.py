"""Acumatica's map, but that orders are made on hold, and an action takes them off it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

MAPS = Path(__file__).parents[1] / "mappers/finance-maps/ml_connector_maps"


def held_map(folder: Path) -> dict[str, Any]:
    """Write the map into a folder; return the settings by which target-acumatica uses it."""
    folder.mkdir(parents=True, exist_ok=True)
    text = (MAPS / "acumatica.yml").read_text()
    (folder / "held.yml").write_text(text.replace('Hold: {__value__: "False"', 'Hold: {__value__: "True"'))
    after = {"PurchaseOrder": ["RemoveHold"]}
    return {"maps_dir": str(folder), "mapping": ["tap_servicenow", "held"], "after_create": after}
