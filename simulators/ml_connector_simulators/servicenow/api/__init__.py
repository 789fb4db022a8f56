"""The REST API of an instance."""
