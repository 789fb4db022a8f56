"""Singer tap for ServiceNow's Table API."""
