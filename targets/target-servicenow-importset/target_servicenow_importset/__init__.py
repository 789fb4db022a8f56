"""Singer target that delivers finance records through ServiceNow's Import Set and Table APIs."""
