"""What was used: meters, their events, and the lines that bill them."""
