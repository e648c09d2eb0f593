"""One contract as each system has it, held against the version that stands here."""
