"""Singer mapper that turns native finance records into canonical ones, their dimensions resolved."""
