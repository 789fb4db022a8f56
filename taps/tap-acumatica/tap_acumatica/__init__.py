"""Singer tap for Acumatica's contract-based REST API."""
