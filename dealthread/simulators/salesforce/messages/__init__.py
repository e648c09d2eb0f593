"""What an org tells others: the outbox, signed webhooks, SOAP outbound messages."""
