"""The map files of ml-connector: plain YAML, one per source system, one per target table set."""
