"""Maps: how one system's records become canonical ones, and those become rows of a target."""

from ml_connector.mapping.check import check_maps
from ml_connector.mapping.crosswalk import Crosswalk
from ml_connector.mapping.dimensions import Dimension, DimensionResolver, Policy
from ml_connector.mapping.loader import Finding, MalformedMap, search_path
from ml_connector.mapping.record_map import Frozen, RecordMap, RowPlan
from ml_connector.mapping.source_map import SourceMap
from ml_connector.mapping.stream_map import Outline, Skipped
from ml_connector.mapping.target_map import TableUse, TargetMap

__all__ = [
    "Crosswalk",
    "Dimension",
    "DimensionResolver",
    "Finding",
    "Frozen",
    "MalformedMap",
    "Outline",
    "Policy",
    "RecordMap",
    "RowPlan",
    "Skipped",
    "SourceMap",
    "TableUse",
    "TargetMap",
    "check_maps",
    "search_path",
]
