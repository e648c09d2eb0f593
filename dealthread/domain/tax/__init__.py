"""Tax: an estimate before a document is final, the document's own tax afterwards, and credits."""
