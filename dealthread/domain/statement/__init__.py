"""A contract with its changes, told as documents, revenue and journals before anything is written.

Reads one form (`form.py`, described in docs/money.md) and computes with the other modules of the
domain. Nothing here is of record: tax is an estimate until an invoice is finalised.
"""
