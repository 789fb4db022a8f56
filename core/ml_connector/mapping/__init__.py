"""Map files: from native records to canonical ones, and on to the target's rows."""
