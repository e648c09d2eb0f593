"""What is told: events and the endpoints that hear them."""
