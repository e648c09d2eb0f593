"""Search attributes: the one registry. Stored in clear, so they hold keys and codes only."""

from __future__ import annotations

from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

CONTRACT_ID = SearchAttributeKey.for_keyword("DtContractId")
DEAL_ID = SearchAttributeKey.for_keyword("DtDealId")
ACCOUNT_ID = SearchAttributeKey.for_keyword("DtAccountId")
LEGAL_ENTITY = SearchAttributeKey.for_keyword("DtLegalEntity")
REGION = SearchAttributeKey.for_keyword("DtRegion")
STAGE = SearchAttributeKey.for_keyword("DtStage")
ERP = SearchAttributeKey.for_keyword("DtErp")
NEEDS_ATTENTION = SearchAttributeKey.for_bool("DtNeedsAttention")
TERM_END = SearchAttributeKey.for_datetime("DtTermEnd")

ALL = (
    CONTRACT_ID,
    DEAL_ID,
    ACCOUNT_ID,
    LEGAL_ENTITY,
    REGION,
    STAGE,
    ERP,
    NEEDS_ATTENTION,
    TERM_END,
)

SERVER_TYPES = {
    "DtContractId": "Keyword",
    "DtDealId": "Keyword",
    "DtAccountId": "Keyword",
    "DtLegalEntity": "Keyword",
    "DtRegion": "Keyword",
    "DtStage": "Keyword",
    "DtErp": "Keyword",
    "DtNeedsAttention": "Bool",
    "DtTermEnd": "Datetime",
}
"""Name → type as the Temporal server registers them."""


def at_start(contract_key: str, deal_id: str) -> TypedSearchAttributes:
    """Attributes set when a run starts: setting them later would be a billed action each."""
    return TypedSearchAttributes(
        [
            SearchAttributePair(CONTRACT_ID, contract_key),
            SearchAttributePair(DEAL_ID, deal_id),
            SearchAttributePair(NEEDS_ATTENTION, False),
        ]
    )
