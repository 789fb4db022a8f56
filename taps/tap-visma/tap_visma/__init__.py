"""Singer tap for the Visma.net ERP (Financials and Logistics) REST API."""
