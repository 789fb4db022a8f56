"""The one durable store under delivery and audit."""
