"""Loads Singer streams into Snowflake."""
