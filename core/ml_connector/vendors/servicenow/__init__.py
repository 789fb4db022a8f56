"""What our connectors of ServiceNow share: settings, sign-in, its error table, reading, its dictionary."""
