"""Every law under attack: `make prove`."""
