"""Singer target that delivers purchase orders and vendors to Acumatica's contract-based REST API."""
