"""The rules in the order they run, and those that nothing here can decide."""

from __future__ import annotations

from dealthread.domain.validation import (
    billing_rules,
    catalogue_rules,
    customer_rules,
    deal_rules,
    erp_rules,
    seller_rules,
    tax_rules,
    term_rules,
)
from dealthread.domain.validation.rule import Rule, Severity

B, W, A = Severity.STOP, Severity.WARN, Severity.APPROVAL
_TERMS = "deal.invalid_terms"
_APPROVAL = "deal.approval"
_DATA = "customer.data_missing"

RULES: tuple[Rule, ...] = (
    # The deal itself: when it is gone or done, nothing else is worth saying.
    Rule("V01", "deal is still won", B, "deal-desk", "deal.reopened", deal_rules.still_won),
    Rule(
        "V02",
        "not processed before",
        B,
        "integration",
        "deal.reopened",
        deal_rules.not_processed,
        after=("V01",),
        fact="accepted_hashes",
    ),
    Rule("V03", "signed", A, "deal-desk", _APPROVAL, deal_rules.signed),
    # The buyer.
    Rule("V27", "parties resolved", B, "customer-data", _DATA, customer_rules.parties_resolved),
    Rule("V37", "consumer or business", B, "legal", _DATA, customer_rules.buyer_type),
    Rule("V28", "billing contact", B, "customer-data", _DATA, customer_rules.billing_contact),
    Rule("V35", "hierarchy", B, "customer-data", _DATA, customer_rules.hierarchy),
    Rule("V26", "screened", B, "compliance", "compliance.screening", customer_rules.screening),
    # The catalogue.
    Rule(
        "V09",
        "product mapping",
        B,
        "catalogue",
        "catalogue.unmapped",
        catalogue_rules.product_mapping,
    ),
    Rule("V13", "quantity", B, "deal-desk", _TERMS, catalogue_rules.quantity),
    # The seller.
    Rule(
        "V04",
        "legal entity resolvable",
        B,
        "deal-desk",
        _TERMS,
        seller_rules.seller_resolvable,
        after=("V27",),
    ),
    Rule("V06", "billing account", B, "finance-systems", _TERMS, seller_rules.billing_account),
    Rule(
        "V07",
        "one currency",
        B,
        "deal-desk",
        _TERMS,
        seller_rules.currency,
        after=("V06",),
        fact="billing_customer_currency",
    ),
    Rule(
        "V08",
        "price book",
        B,
        "catalogue",
        "catalogue.drift",
        catalogue_rules.price_book,
        after=("V07",),
    ),
    # The term.
    Rule("V14", "term", B, "deal-desk", _TERMS, term_rules.term, fact="active_contracts"),
    Rule(
        "V15",
        "committed term provisioned",
        B,
        "deal-desk",
        _TERMS,
        term_rules.committed_term_provisioned,
    ),
    Rule("V16", "evergreen", B, "deal-desk", _TERMS, term_rules.evergreen),
    Rule("V17", "ramp", B, "revenue", _TERMS, term_rules.ramp),
    Rule(
        "V18",
        "prepaid multi-year",
        A,
        "revenue",
        _APPROVAL,
        term_rules.prepaid_multi_year,
        after=("V14",),
    ),
    Rule("V19", "termination rights", A, "revenue", _APPROVAL, deal_rules.termination_rights),
    Rule("V21", "start date", A, "deal-desk", _APPROVAL, deal_rules.start_date, after=("V14",)),
    # Billing and payment.
    Rule(
        "V20",
        "billing frequency and timing",
        B,
        "billing",
        _TERMS,
        billing_rules.frequency_and_timing,
    ),
    Rule("V23", "payment terms", A, "credit", _APPROVAL, billing_rules.payment_terms),
    Rule(
        "V24",
        "collection method",
        B,
        "billing",
        _DATA,
        billing_rules.collection_method,
        fact="payment_method_on_file",
    ),
    Rule("V29", "purchase order", B, "billing", _DATA, billing_rules.po_number),
    # Tax.
    Rule("V30", "tax identifier", B, "tax", "tax.identifier", tax_rules.tax_identifier),
    Rule(
        "V32",
        "exemption",
        B,
        "tax",
        "tax.rejected",
        tax_rules.exemption,
        after=("V14", "V27"),
    ),
    Rule(
        "V31",
        "taxability",
        B,
        "tax",
        "tax.rejected",
        tax_rules.taxability,
        after=("V04", "V27", "V30", "V32", "V37"),
    ),
    Rule(
        "V05",
        "seller may sell here",
        B,
        "tax",
        "tax.rejected",
        seller_rules.may_sell_here,
        after=("V04", "V31"),
    ),
    # The ERP.
    Rule(
        "V22",
        "open periods",
        B,
        "accounting",
        "erp.period_closed",
        erp_rules.open_periods,
        fact="posting_findings",
    ),
    Rule(
        "V38",
        "posting rules",
        B,
        "accounting",
        "erp.rejected",
        erp_rules.posting_rules,
        fact="posting_findings",
    ),
    # Amounts: they need a contract, so they run when nothing above stops the deal.
    Rule(
        "V12",
        "discount authority",
        A,
        "deal-desk",
        _APPROVAL,
        deal_rules.discount_authority,
        after=("V07", "V08", "V09", "V13"),
    ),
    Rule(
        "V11",
        "price agrees",
        B,
        "deal-desk",
        "deal.price_mismatch",
        catalogue_rules.price_agrees,
        needs_contract=True,
        fact="preview",
    ),
    Rule(
        "V33",
        "preview tax",
        W,
        "tax",
        "tax.difference",
        catalogue_rules.preview_tax,
        after=("V11",),
        needs_contract=True,
        fact="preview",
    ),
    Rule(
        "V25",
        "credit",
        A,
        "credit",
        "credit.hold",
        billing_rules.credit,
        after=("V07",),
        needs_contract=True,
        fact="credit",
    ),
    # Not one of V01–V38: the approval by amount that policy may ask for.
    Rule(
        "P01",
        "approval amount",
        A,
        "deal-desk",
        _APPROVAL,
        deal_rules.approval_amount,
        needs_contract=True,
    ),
)

# Rule, or the part of one, and why it is not decided. Shown to operators; nothing is pretended.
NOT_DECIDABLE: dict[str, str] = {
    "V10": "bundle parts, their standalone prices and dates are not in the product data yet",
    "V22 tax point": "the tax point is fixed with the invoice; here only open periods are checked",
    "V24 remittance": "the customer's bank instructions are printed by the biller and not readable",
    "V26 export": "export classification of products is not recorded; the party is screened",
    "V29 amount and expiry": "the CRM gives the number of the purchase order only",
    "V30 authority": "no connection to a register (VIES, HMRC): structure and check digits only",
    "V34": "no e-invoice provider is connected, and buyers' channels are not recorded",
    "V35 other systems": "the parents are created in biller and ERP by this flow, not found there",
    "V36": "partner contracts, margins and the principal or agent decision are not recorded",
}
