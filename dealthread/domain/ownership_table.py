"""The ownership table as data: for each field one owner, and where its value may be carried.

`hub_writes` is the direction column made exact: the systems into which this hub copies the
value. `at_creation` are systems that get it once, with a record the hub creates there, and own
it from then on. What stands in neither is never written by us.
"""

from __future__ import annotations

from dataclasses import dataclass

from dealthread.domain.base import System

_CRM, _CPQ, _BILL, _TAX = System.CRM, System.CPQ, System.BILLING, System.TAX
_PSP, _BANK, _ERP, _ENT = System.PROCESSOR, System.BANK, System.ERP, System.ENTITLEMENT
_CS, _FIN, _HUB = System.CUSTOMER_SUCCESS, System.FINANCE, System.HUB
_ALL = (_CRM, _BILL, _ERP, _ENT, _CS)


@dataclass(frozen=True)
class OwnedField:
    """One row. `owners` has two entries where the owner depends on time or on the rail."""

    no: int
    field: str
    owners: tuple[System, ...]
    writers: str
    """Who may originate a value."""
    direction: str
    on_difference: str
    hub_writes: tuple[System, ...] = ()
    at_creation: tuple[System, ...] = ()


_R = OwnedField

# One row of the table in one or two lines.
# fmt: off
OWNERSHIP: tuple[OwnedField, ...] = (
    # --- parties
    # The ERP takes over with the first invoice; from then on the flow turns round.
    _R(1, "party_legal_name", (_CRM, _ERP), "account owner; AR clerk after the first invoice",
       "CRM→BILL, ERP; later ERP→CRM, BILL", "case customer-data", (_BILL, _ERP)),
    _R(2, "party_trade_name", (_CRM,), "CRM", "CRM→CS", "CRM wins", (_CS,)),
    _R(3, "party_registration_no", (_ERP,), "AR clerk", "ERP→CRM", "case", (_CRM,)),
    # The ERP gets the commercial parent as a relation of its own kind, beside its legal one (5).
    _R(4, "commercial_hierarchy", (_CRM,), "CRM", "CRM→BILL, CS; ERP as a relation", "CRM wins",
       (_BILL, _CS, _ERP)),
    _R(5, "legal_hierarchy", (_ERP,), "accounting", "ERP→CRM, read only", "case", (_CRM,)),
    _R(6, "bill_to_address", (_CRM,), "CRM; billing portal as a request", "CRM→BILL, ERP",
       "newest approved wins", (_BILL, _ERP)),
    _R(7, "ship_to_address", (_CRM,), "CRM", "CRM→BILL, TAX", "blocks finalisation",
       (_BILL, _TAX)),
    _R(8, "billing_contact", (_BILL, _CRM), "customer, CRM", "both ways, last writer with time",
       "newest wins, audited", (_BILL, _CRM)),
    _R(9, "tax_identifier", (_TAX, _ERP), "tax", "ERP→BILL, CRM", "case tax", (_BILL, _CRM),
       at_creation=(_ERP,)),
    _R(10, "exemption_certificate", (_TAX,), "tax", "TAX→BILL", "blocks", (_BILL,)),
    _R(11, "payment_terms", (_CRM, _FIN), "deal desk, within finance's list", "CRM→BILL, ERP",
       "case credit", (_BILL, _ERP)),
    _R(12, "credit_limit_and_stop", (_ERP,), "credit", "ERP→CRM", "ERP wins", (_CRM,)),
    _R(13, "sanctions_screening", (_CRM,), "compliance", "→HUB", "blocks"),
    _R(14, "control_account", (_ERP,), "accounting", "none", "ERP wins"),
    _R(15, "payment_method", (_PSP,), "customer", "PSP→HUB, token only", "PSP wins"),
    # --- products and prices
    _R(16, "product_identity", (_FIN, _CRM), "product governance", "→CRM, BILL, ERP",
       "case catalogue", (_CRM, _BILL, _ERP)),
    _R(17, "list_price", (_CRM,), "pricing", "CRM→BILL", "blocks the sale", (_BILL,)),
    _R(18, "billing_price_object", (_BILL,), "HUB, from the agreed price", "CRM→BILL",
       "made anew, never edited", (_BILL,)),
    _R(19, "erp_item_and_accounts", (_ERP, _FIN), "accounting", "→HUB", "blocks"),
    _R(20, "product_tax_category", (_TAX, _FIN), "tax", "→BILL, ERP", "blocks", (_BILL, _ERP)),
    _R(21, "standalone_selling_price", (_FIN,), "revenue", "→HUB", "revenue decides"),
    # --- deal and contract
    _R(22, "opportunity_stage_and_amount", (_CRM,), "sales", "CRM→HUB", "CRM wins"),
    _R(23, "quote_lines", (_CPQ,), "sales, deal desk", "CPQ→HUB→BILL", "preview must equal",
       (_BILL,)),
    _R(24, "po_number", (_CRM, _BILL), "deal desk; billing per invoice", "CRM→BILL→ERP",
       "case billing", (_BILL, _ERP)),
    _R(25, "signed_document", (_CRM,), "legal", "→HUB", "none"),
    _R(26, "contract_key", (_HUB,), "HUB", "HUB→all", "HUB wins", _ALL),
    # The contract record in the CRM is created by the hub from the accepted deal.
    _R(27, "contract_dates", (_CRM,), "accepted deal", "CRM→HUB→all", "case deal-desk",
       (_BILL, _ERP, _ENT, _CS), at_creation=(_CRM,)),
    _R(28, "termination_and_price_rights", (_CRM,), "legal, deal desk", "CRM→HUB", "CRM wins"),
    _R(29, "amendment_dates", (_CRM,), "deal desk", "CRM→HUB→BILL, ERP, ENT", "case",
       (_BILL, _ERP, _ENT)),
    _R(30, "contract_version", (_HUB,), "HUB", "HUB→all", "HUB wins", _ALL),
    _R(31, "contract_state", (_HUB,), "HUB, derived", "HUB→CRM, CS, ERP note", "recomputed",
       (_CRM, _CS, _ERP)),
    # --- subscription and usage
    _R(32, "subscription_id", (_BILL,), "HUB by the biller's interface", "BILL→HUB→CRM, ERP",
       "cross-reference", (_CRM, _ERP)),
    _R(33, "subscription_status", (_BILL,), "BILL", "BILL→HUB→CRM, CS", "BILL wins",
       (_CRM, _CS)),
    _R(34, "quantity_and_price_in_force", (_CRM, _BILL), "HUB only, by contract version",
       "CRM→BILL", "case out-of-band change", (_BILL,)),
    _R(35, "billing_anchor_and_period", (_BILL,), "BILL", "BILL→HUB", "BILL wins"),
    _R(36, "scheduled_change", (_HUB,), "HUB, by contract version", "HUB→BILL",
       "previewed again", (_BILL,)),
    _R(37, "usage_events", (_FIN,), "product metering", "→HUB→BILL", "by event id", (_BILL,)),
    _R(38, "rated_usage_amount", (_BILL,), "BILL", "BILL→ERP, CRM, CS", "BILL wins",
       (_ERP, _CRM, _CS)),
    # --- invoices
    _R(39, "invoice_number_and_issue_date", (_BILL,), "legal issuer only", "→ERP, CRM",
       "number audit", (_ERP, _CRM)),
    _R(40, "invoice_lines", (_BILL,), "BILL", "BILL→ERP, CRM mirror", "case", (_ERP, _CRM)),
    _R(41, "invoice_tax_lines", (_TAX, _BILL), "TAX", "→ERP as given", "case tax", (_ERP,)),
    _R(42, "invoice_billing_status", (_BILL,), "BILL", "BILL→CRM, CS", "BILL wins",
       (_CRM, _CS)),
    _R(43, "invoice_posting", (_ERP,), "ERP", "ERP→HUB→CRM", "ERP wins", (_CRM,)),
    # Read by all: the CRM shows it as a mirror.
    _R(44, "erp_document_number", (_ERP,), "ERP", "ERP→HUB→CRM mirror", "cross-reference",
       (_CRM,)),
    _R(45, "credit_note", (_BILL,), "billing role, amendment", "BILL→ERP, CRM", "case",
       (_ERP, _CRM)),
    _R(46, "e_invoice_state", (_BILL,), "e-invoice provider", "→HUB", "case billing"),
    # --- money
    _R(47, "payment_by_card_or_debit", (_PSP,), "PSP", "PSP→HUB→ERP", "PSP wins", (_ERP,)),
    _R(48, "payment_by_bank", (_BANK, _ERP), "bank statement", "ERP→HUB→BILL", "case cash",
       (_BILL,)),
    _R(49, "payment_application", (_ERP, _BILL), "cash application",
       "both ways, one side per rail", "case cash", (_ERP, _BILL)),
    _R(50, "unapplied_cash", (_ERP,), "cash application", "ERP→HUB", "ERP wins"),
    _R(51, "customer_credit_balance", (_BILL,), "BILL", "BILL→ERP", "roll-forward must tie",
       (_ERP,)),
    _R(52, "payout_and_fees", (_PSP,), "PSP", "PSP→ERP", "clearing must tie", (_ERP,)),
    _R(53, "dispute", (_PSP,), "PSP", "PSP→ERP, CS", "PSP wins", (_ERP, _CS)),
    _R(54, "collections_stage", (_HUB,), "collections", "HUB→CRM, CS", "HUB wins",
       (_CRM, _CS)),
    _R(55, "write_off", (_ERP,), "finance with approval", "ERP→BILL", "ERP wins", (_BILL,)),
    # --- entitlement
    _R(56, "entitlement_template", (_FIN,), "product", "→ENT", "none", (_ENT,)),
    _R(57, "entitlement_quantity_and_dates", (_HUB,), "HUB, by contract version", "HUB→ENT",
       "HUB wins", (_ENT,)),
    _R(58, "entitlement_state_and_use", (_ENT,), "ENT", "ENT→HUB→CS, CRM", "ENT wins",
       (_CS, _CRM)),
    _R(59, "suspension_reason", (_HUB,), "HUB, by collections policy", "HUB→ENT", "HUB wins",
       (_ENT,)),
    # --- ledger and revenue
    # The ERP owns it once created; the CRM shows its number.
    _R(60, "booking", (_ERP,), "HUB creates", "HUB→ERP; number →CRM", "case", (_ERP, _CRM)),
    _R(61, "obligations_and_allocation", (_HUB, _ERP), "revenue, in one engine", "one engine",
       "a second is refused"),
    _R(62, "modification_decision", (_HUB,), "revenue", "HUB→ERP", "none", (_ERP,)),
    _R(63, "revenue_schedule", (_HUB, _ERP), "the seller's engine", "engine→ERP",
       "total = contracted total", (_ERP,)),
    _R(64, "recognition_journal", (_ERP,), "ERP", "HUB→ERP→HUB", "ERP wins", (_ERP,)),
    _R(65, "period_state", (_ERP,), "accounting", "ERP→HUB", "unknown waits"),
    _R(66, "exchange_rate", (_ERP,), "treasury", "ERP→HUB", "a document keeps its own"),
    _R(67, "chart_of_accounts", (_ERP,), "accounting", "ERP→HUB", "blocks"),
    _R(68, "service_completion", (_CS,), "service lead, with evidence", "CS→HUB→ERP",
       "revenue decides", (_ERP,)),
    # --- after the sale
    _R(69, "health_and_renewal_risk", (_CS,), "CS", "CS→HUB→CRM", "CS wins", (_CRM,)),
    # The hub makes one where the CRM has none; from then on its stage and amount are the CRM's.
    _R(70, "renewal_opportunity", (_CRM,), "sales", "CRM→HUB", "found first",
       at_creation=(_CRM,)),
    _R(71, "renewal_notice_proof", (_HUB,), "HUB", "HUB→CRM", "none", (_CRM,)),
    # Read by all: the contract record in the CRM shows the contract value.
    _R(72, "recurring_and_contract_value", (_HUB,), "nobody by hand", "→analytics, CRM mirror",
       "recomputed", (_CRM,)),
    _R(73, "sales_credit", (_CRM,), "sales operations", "out of scope", "none"),
    _R(74, "crm_sync_status", (_HUB,), "HUB's integration user", "HUB→CRM", "HUB wins",
       (_CRM,)),
)
# fmt: on
