"""Secrets in memory, and keeping them out of every text."""

from ml_connector.secrets.redaction import MASK, RedactingFilter, Redactor
from ml_connector.secrets.secret import Secret

__all__ = ["MASK", "RedactingFilter", "Redactor", "Secret"]
