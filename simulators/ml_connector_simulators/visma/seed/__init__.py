"""The seeded month: October 2026 of a Nordic group, two companies, and its honest problems."""
