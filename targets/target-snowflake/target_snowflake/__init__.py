"""Loads Singer streams into Snowflake."""

import os

# Arrow reads this as it is imported: its own pool keeps 40 MB more at the peak of a load, and is no faster here.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
