"""Secrets: values that must never be seen, and the filter that keeps them out of every text."""
