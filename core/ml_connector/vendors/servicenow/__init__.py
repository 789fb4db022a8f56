"""What our connectors of ServiceNow share."""
