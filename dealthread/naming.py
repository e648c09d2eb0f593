"""Every id and key we make: deterministic, without clock, counter or personal data.

A key never contains a run id or an attempt number: the same business act has the same key
however often it is tried. The generation is part of it, because a vendor would answer a
re-run with the object that the first run already undid.
"""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import date

from dealthread.domain.base import BusinessKey, ContractKey

_ID_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SALESFORCE_ID = re.compile(r"[a-zA-Z0-9]{15}([a-zA-Z0-9]{3})?\Z")


def _base32(length: int, *parts: str) -> str:
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return base64.b32encode(digest).decode()[:length]


def contract_key(org: str, deal_id: str) -> ContractKey:
    """`C-` and 13 base32 characters of SHA-256(org, deal)."""
    return ContractKey("C-" + _base32(13, org, deal_id))


def customer_key(org: str, account_id: str) -> str:
    """`A-` and 13 base32 characters of SHA-256(org, account)."""
    return "A-" + _base32(13, org, account_id)


def line_key(org: str, line_id: str) -> str:
    """`L-` and 10 base32 characters of SHA-256(org, opportunity line)."""
    return "L-" + _base32(10, org, line_id)


def erp_document_key(tenant: str, entity: str, kind: str, source_id: str, generation: int) -> str:
    """`DT` and 14 base32 characters: 16 in all, the shortest slot among the ERPs."""
    return "DT" + _base32(14, tenant, entity, kind, source_id, str(generation))


def receipt_key(
    tenant: str, entity: str, billing_account: str, invoice_id: str, source_id: str
) -> str:
    """The ledger's document of a payment for an invoice; `balance` as source is balance used."""
    origin = f"{billing_account}:{invoice_id}:{source_id}"
    return erp_document_key(tenant, entity, "receipt", origin, 1)


def held_key(tenant: str, entity: str, document_key: str) -> str:
    """Our record of an invoice, or of a payment, that the ledger holds in a summary. `document_key`
    is the one that it has there when it stands by itself."""
    return erp_document_key(tenant, entity, "held", document_key, 1)


def summary_id(seller: str, currency: str, issue_date: date, part: int) -> BusinessKey:
    """Business key and workflow id of a day's invoices that are posted as one document."""
    return BusinessKey(f"summary:{seller}:{currency}:{issue_date.isoformat()}:{part}")


def summary_key(seller: str, currency: str, issue_date: date, part: int) -> str:
    """What stands for a contract's key where a summary is meant."""
    return "S-" + _base32(13, seller, currency, issue_date.isoformat(), str(part))


def negative_invoice_key(tenant: str, entity: str, billing_account: str, invoice_id: str) -> str:
    """The ledger's credit memo that stands for an invoice below nought."""
    return erp_document_key(tenant, entity, "credit", f"{billing_account}:{invoice_id}", 1)


def bank_receipt_key(tenant: str, entity: str, source_id: str) -> str:
    """The ledger's document of what came to the seller's bank."""
    return erp_document_key(tenant, entity, "bank_receipt", source_id, 1)


def bank_receipt_id(seller: str, source_id: str) -> BusinessKey:
    """Business key and workflow id of a receipt of the bank."""
    return BusinessKey(f"receipt:{seller}:{source_id}")


def quote_to_cash_id(org: str, deal_id: str) -> BusinessKey:
    """Business key and workflow id of a deal's first saga."""
    return BusinessKey(f"quote-to-cash:{org}:{deal_id}")


def contract_workflow_id(key: str) -> str:
    """Workflow id of the one workflow that serialises a contract."""
    return f"contract:{key}"


def adoption_id(key: str) -> BusinessKey:
    """Business key and workflow id of the adoption of a contract that was in force before."""
    return BusinessKey(f"adoption:{key}")


def adoption_run_id(plan_id: str) -> BusinessKey:
    """Workflow id of what carries out an approved plan of adoption."""
    return BusinessKey(f"adoption-plan:{plan_id}")


def activation_id(key: str) -> BusinessKey:
    """Workflow id of the change that activates a contract on its start date."""
    return BusinessKey(f"activation:{key}")


def tax_rate_id(key: str, code: str, valid_from: date) -> BusinessKey:
    """Business key and workflow id of a code's new tax rate reaching a running contract."""
    return BusinessKey(f"tax-rate:{key}:{code}:{valid_from.isoformat()}")


def code_taxed_anew(change_id: str) -> str:
    """The code that a `tax_rate_id` names."""
    return change_id.split(":", 2)[-1].rpartition(":")[0]


def invoice_id(billing_account: str, native_id: str) -> BusinessKey:
    """Business key and workflow id of an invoice's way to cash."""
    return BusinessKey(f"invoice:{billing_account}:{native_id}")


def collections_id(billing_account: str, native_id: str) -> BusinessKey:
    """Business key and workflow id of the pursuit of an overdue invoice."""
    return BusinessKey(f"collections:{billing_account}:{native_id}")


def invoice_credit_id(billing_account: str, native_id: str, source_id: str) -> BusinessKey:
    """Business key and workflow id of a credit on an invoice: the id of what asks for it."""
    return BusinessKey(f"credit:{billing_account}:{native_id}:{source_id}")


def write_off_id(billing_account: str, native_id: str) -> BusinessKey:
    """Business key and workflow id of giving up what is open of an invoice: it is given up once."""
    return BusinessKey(f"write-off:{billing_account}:{native_id}")


def recovery_id(billing_account: str, native_id: str) -> BusinessKey:
    """Of what was given up and is paid after all."""
    return BusinessKey(f"recovery:{billing_account}:{native_id}")


def payout_id(billing_account: str, native_id: str) -> BusinessKey:
    """Business key and workflow id of a payout's way to the ledger."""
    return BusinessKey(f"payout:{billing_account}:{native_id}")


def payout_key(billing_account: str, native_id: str) -> str:
    """What stands for a contract's key where a payout is meant."""
    return "P-" + _base32(13, billing_account, native_id)


def dispute_id(billing_account: str, native_id: str) -> BusinessKey:
    """Business key and workflow id of a disputed payment's way to its end."""
    return BusinessKey(f"dispute:{billing_account}:{native_id}")


def dispute_key(billing_account: str, native_id: str) -> str:
    """What stands for a contract's key where a dispute is about no invoice of ours."""
    return "D-" + _base32(13, billing_account, native_id)


def recognition_id(seller: str, period: date) -> BusinessKey:
    """Of a month's recognised revenue of one legal entity."""
    return BusinessKey(f"recognition:{seller}:{period:%Y-%m}")


def recognition_key(seller: str, period: date) -> str:
    """What stands for a contract's key where a company's month is meant."""
    found = f"R-{seller}-{period:%Y-%m}"
    return found if len(found) <= 20 else "R-" + _base32(13, seller, f"{period:%Y-%m}")


def close_id(seller: str, period: date) -> BusinessKey:
    """Business key and workflow id of the closing of a legal entity's month."""
    return BusinessKey(f"close:{seller}:{period:%Y-%m}")


def close_key(seller: str, period: date) -> str:
    """What stands for a contract's key where the closing of a company's month is meant."""
    found = f"M-{seller}-{period:%Y-%m}"
    return found if len(found) <= 20 else "M-" + _base32(13, seller, f"{period:%Y-%m}")


def usage_id(billing_account: str) -> BusinessKey:
    """Workflow id of what sends an account its counted usage."""
    return BusinessKey(f"usage:{billing_account}")


def amendment_id(key: str, source_id: str) -> BusinessKey:
    """Business key and workflow id of an amendment: contract and the id of what asks for it."""
    return BusinessKey(f"amendment:{key}:{source_id}")


def renewal_id(key: str, term_start: date) -> BusinessKey:
    """Of the renewal into the term that starts on a day."""
    return BusinessKey(f"renewal:{key}:{term_start.isoformat()}")


def renewal_notice_id(key: str, term_start: date) -> BusinessKey:
    """Of the announcement of that renewal."""
    return BusinessKey(f"renewal-notice:{key}:{term_start.isoformat()}")


def cancellation_id(key: str, source_id: str) -> BusinessKey:
    """Of a cancellation: contract and the id of what asks for it."""
    return BusinessKey(f"cancellation:{key}:{source_id}")


_WITHDRAWAL = "withdrawal:"


def withdrawal_id(target: str) -> BusinessKey:
    """Of the withdrawal of a change that has not taken effect: it is taken back once."""
    return BusinessKey(f"{_WITHDRAWAL}{target}")


def withdrawn_by(change_id: str) -> str:
    """The change that a withdrawal takes back; "" for any other change."""
    return change_id.removeprefix(_WITHDRAWAL) if change_id.startswith(_WITHDRAWAL) else ""


def order_source_id(canonical: str) -> str:
    """Id of an order that its sender gave none: the same content, the same id."""
    return "o-" + _base32(16, canonical)


def idempotency_key(business_key: str, generation: int, step: str, direction: str) -> str:
    """`<workflow id>#<generation>/<step>/<do or undo>`."""
    return f"{business_key}#{generation}/{step}/{direction}"


def event_id(idempotency: str) -> str:
    """Message id of an event, from the key of the act it tells."""
    return "evt_" + _base32(26, idempotency)


def case_key(subject: str) -> str:
    """`CASE-` and 12 hexadecimal digits: the same subject has the same case."""
    return f"CASE-{hashlib.sha256(subject.encode()).hexdigest()[:12].upper()}"


def erp_task_queue(erp: str, company: str) -> str:
    """One queue per company of a ledger: its postings are serial."""
    return f"dealthread-erp-{erp}.{company}"


WORKFLOW_QUEUE = "dealthread-workflows"
CRM_QUEUE = "dealthread-salesforce"
BILLING_QUEUE = "dealthread-stripe"
ENTITLEMENT_QUEUE = "dealthread-entitlement"
CUSTOMER_SUCCESS_QUEUE = "dealthread-customer-success"


def is_salesforce_id(value: str) -> bool:
    """15 or 18 letters and digits; of 18, the last three must be the right checksum."""
    if not _SALESFORCE_ID.match(value):
        return False
    return len(value) == 15 or value[15:] == _suffix(value[:15])


def _suffix(short: str) -> str:
    """Checksum of a 15-character id: one character for each five, from the positions of its
    capitals (developer.salesforce.com, "Salesforce ID field type")."""
    return "".join(
        _ID_ALPHABET[
            sum(1 << i for i, char in enumerate(short[block : block + 5]) if char.isupper())
        ]
        for block in (0, 5, 10)
    )


def salesforce_id_18(value: str) -> str:
    """The 18-character form. Raises ValueError for what is not a Salesforce id."""
    if not is_salesforce_id(value):
        raise ValueError("not a Salesforce id: 15 characters, or 18 with the right checksum")
    return value if len(value) == 18 else value + _suffix(value)
