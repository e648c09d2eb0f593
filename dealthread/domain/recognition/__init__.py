"""Recognised revenue: what a month owes, how it is posted, and how deferred revenue moves."""
