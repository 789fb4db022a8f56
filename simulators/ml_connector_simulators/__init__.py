"""Visma.net and ServiceNow as real HTTP servers on loopback, seeded with a believable month."""
