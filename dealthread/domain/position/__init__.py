"""Sold, billed, recognised, collected: where the money of a contract stands on a day.

Definitions and identities: `facts/domain.md` §6. Each figure is a sum of entries, and each entry
names the document that it comes from, in the system that owns it.
"""
