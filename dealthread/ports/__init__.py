"""What the core asks of other systems, vendor-neutral. Adapters implement these Protocols.

Rules that every implementation keeps (the contract suite in `tests/adapters/` checks them):

- A write takes `idempotency_key` and returns an `Outcome`. It raises only transport errors that
  exclude an effect (`RateLimited`, `VendorUnavailable`, `AuthRejected`, `Conflict`). Whenever an
  effect cannot be excluded it returns `Unknown`.
- `find_…(idempotency_key)` is a strongly consistent look-up of what a write with that key made,
  or None. Where the vendor's look-up may lag, `settle_window` says by how much.
- A repeated write with the same key yields the same object.
- An undo succeeds when there is nothing to undo.
- An answer without a native id is `Unknown`.
"""
