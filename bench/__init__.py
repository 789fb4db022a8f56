"""What speed costs and brings: `make bench`."""
