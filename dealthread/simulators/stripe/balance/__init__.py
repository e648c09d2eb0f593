"""The account's own balance with Stripe: what moved on it, and what was paid out of it."""
