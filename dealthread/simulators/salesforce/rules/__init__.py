"""What an org does and forbids by itself when a row is saved."""
