"""What an opportunity asks of a running contract, as our package tells it with an announcement.

Our package's own fields come first; where a CPQ package made the opportunity, its links tell.
"""

from __future__ import annotations

from dealthread.simulators.salesforce.schema.model import Row
from dealthread.simulators.salesforce.store import Store

KIND = "Dealthread_Kind__c"
CONTRACT_KEY = "Dealthread_Contract_Key__c"
_CPQ_LINKS = {"SBQQ__AmendedContract__c": "amendment", "SBQQ__RenewedContract__c": "renewal"}


def kind_of(row: Row) -> str | None:
    """new, amendment, renewal, win_back; None where nothing says."""
    own = row.get(KIND)
    return str(own) if own else next((k for link, k in _CPQ_LINKS.items() if row.get(link)), None)


def contract_key_of(store: Store, row: Row) -> str | None:
    """Key of the contract that the opportunity names, where it has one."""
    for link in ("ContractId", *_CPQ_LINKS):
        contract = store.live("Contract", row.get(link))
        if contract is not None:
            key = contract[CONTRACT_KEY]
            return str(key) if key else None
    return None
