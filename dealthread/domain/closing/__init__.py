"""Closing a company's month: what must tie exactly, and what is kept as proof."""
