"""Usage: how it is measured, to which billing period it belongs, what it is worth."""
