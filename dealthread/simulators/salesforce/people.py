"""Names of people, and the two sides of which an asset needs one."""

from __future__ import annotations

from dealthread.simulators.salesforce.rules import Rules, Save, integrity


class NameRules(Rules):
    """Contact.Name and User.Name are made of the parts (the salutation is no part)."""

    def before_save(self, save: Save) -> None:
        """Derive."""
        parts = [save.row.get("FirstName"), save.row.get("LastName")]
        save.row["Name"] = " ".join(str(part) for part in parts if part) or None


class AssetRules(Rules):
    """An asset belongs to somebody and shows its product's code."""

    def before_save(self, save: Save) -> None:
        """Derive and check."""
        row = save.row
        if row.get("AccountId") is None and row.get("ContactId") is None:
            raise integrity(
                "Every asset needs an account, a contact, or both.", "AccountId", "ContactId"
            )
        product = save.store.live("Product2", row.get("Product2Id"))
        row["ProductCode"] = None if product is None else product["ProductCode"]
