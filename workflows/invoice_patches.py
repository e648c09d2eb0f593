"""Patches of InvoiceToCash: what a run that began before does otherwise."""

from __future__ import annotations

EACH_STAND = "invoice-to-cash-shows-each-stand-202611"
"""Patch: what the biller gives up or withdraws is shown too; before, only what the ledger got."""
VOID_LOOKS = "invoice-to-cash-void-looks-202611"
"""Patch: a run that has posted nothing itself asks the ledger before it settles a void."""
BELOW_NOUGHT = "invoice-to-cash-below-nought-202611"
"""Patch: an invoice below nought is a credit memo; before, it was left alone."""
TAKES_BACK = "invoice-to-cash-takes-back-202611"
"""Patch: a credit that the biller voided is undone in the ledger; before, a person saw to it."""
WHILE_WANTED = "invoice-to-cash-while-wanted-202611"
"""Patch: what the biller takes back while a person is asked about it is not tried again."""
BOOKS_VOID = "invoice-to-cash-books-void-202611"
"""Patch: an invoice that is void and untouched is reversed in the ledger; before, by a person."""
SETTLES_FIRST = "invoice-to-cash-void-settles-first-202611"
"""Patch: the credits of a void invoice, and the balance that it used, come to the ledger before its
reversal; before, one that had them was a person's."""
HEARS_TO_THE_END = "invoice-to-cash-hears-to-the-end-202611"
"""Patch: what is told while the last of it is done is read; before, the run ended without."""
SUMMARISED = "invoice-to-cash-summarised-202611"
"""Patch: an invoice that waits for its day's summary is not posted by itself."""
