"""Versions of a contract: what a change makes of it, what it costs, what each system is told.

Every change is a step `before -> after` between two versions. All of this is pure: the same
order on the same version on the same day gives the same next version.
"""
