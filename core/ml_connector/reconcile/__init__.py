"""Reconciliation: do source, books and target agree, per company, currency and account, and what is not settled?"""
