"""What time brings: deeds that are due, and test clocks."""
