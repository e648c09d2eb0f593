"""Prices: what a quantity costs, what is taken off, what a commitment and a renewal add."""
