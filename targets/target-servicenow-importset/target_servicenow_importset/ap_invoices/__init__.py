"""Whole invoices by the AP Invoice API: header, lines and taxes in one document (apis/servicenow.md §6.4)."""
