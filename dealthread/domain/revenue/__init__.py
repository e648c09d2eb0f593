"""Revenue: obligations, allocation, schedules, modifications, deferred revenue, journals.

Rules are those of ASC 606 and IFRS 15; the ledger in which they are posted is somebody else's.
Amounts are net of tax. Ends are exclusive. A figure is rounded once, to its currency's decimals,
and what rounding leaves over has a named place (`Remainder`), so that parts sum to the whole.
"""
