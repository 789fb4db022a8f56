"""Audit: the event trail and what people do to it, its verification and export, and one record's whole story."""
