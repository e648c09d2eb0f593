"""Who buys: customers, their tax ids, their balance, how they are found."""
