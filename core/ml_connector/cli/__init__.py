"""The `ml-connector` command line: one file per verb group."""
