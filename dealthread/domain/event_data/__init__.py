"""What each business event says: its `data`, as a model by noun. docs/events is made from them.

Fields are only ever added; a change of meaning is a new version of the type. No personal data:
keys, codes, amounts, dates. Amounts are decimal strings with a currency beside them.
"""
