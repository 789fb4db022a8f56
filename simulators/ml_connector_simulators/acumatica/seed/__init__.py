"""October 2026 of the company DEMO, row by row."""
