"""How it is paid: cards, intents, charges, retries, refunds."""
