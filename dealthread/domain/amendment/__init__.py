"""Changes of a running contract: what they credit, what they charge, and why."""
