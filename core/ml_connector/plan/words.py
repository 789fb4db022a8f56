"""The words by which the command line tells a target process that it plans, or is held to a plan."""

from __future__ import annotations

PLAN_TO = "ML_CONNECTOR_PLAN_TO"
"""Names the folder a target writes its part of a plan to; it sends nothing."""

PLAN = "ML_CONNECTOR_PLAN"
"""Names the plan a target is held to."""
