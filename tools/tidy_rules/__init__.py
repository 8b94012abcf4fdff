"""Families of house rules. A rule is a function from a Tree to Findings; each module lists its own in RULES."""
