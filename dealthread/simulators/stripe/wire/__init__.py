"""How Stripe's API speaks: forms, errors, lists, expansion, idempotency, ids."""
