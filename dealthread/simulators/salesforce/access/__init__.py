"""Who may ask: tokens, the flows that give them, sessions."""
