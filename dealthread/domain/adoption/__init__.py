"""Adoption of an existing book: what the systems hold already becomes contracts, or is listed."""
