"""Names of people, whose accounts may go, and the two sides of which an asset needs one."""

from __future__ import annotations

from dealthread.simulators.salesforce.errors import SalesforceError
from dealthread.simulators.salesforce.rules.save import Rules, Save, integrity


class AccountRules(Rules):
    """An account takes along what hangs from it, but not deals that were won.

    Help, "Considerations for Deleting Accounts": contacts, opportunities and contracts go along;
    activated contracts keep an account, and whoever wants deals that were won to go is asked
    first, which an API cannot. Recorded describes agree.
    """

    def before_delete(self, save: Save) -> None:
        """Refuse."""
        deals = save.store.live_lookup("Opportunity", "AccountId", save.row["Id"])
        if any(deal["IsWon"] for deal in deals):
            raise SalesforceError(
                "DELETE_FAILED",
                f"Your attempt to delete {save.row['Name']} could not be completed because it is"
                " associated with the following opportunities.",
                fields=[],
            )


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
