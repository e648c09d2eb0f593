"""What is billed: invoices, their items, lines, numbers, previews, credit notes."""
