"""The objects of an org: their fields, their limits, what refers to what."""
