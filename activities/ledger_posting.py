"""One document of a ledger by its own key: looked for, posted once, or reversed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from dealthread.domain.base import System
from dealthread.domain.ledger import LedgerJournal, Reversal
from dealthread.domain.money import Money
from dealthread.domain.paid_out import ForeignPayout
from dealthread.domain.posted import DocumentState, PostedDocument
from dealthread.domain.receipts import LedgerReceipt, WriteOff
from dealthread.domain.receivable import LedgerCreditMemo, LedgerInvoice
from dealthread.domain.transaction import SagaContext
from dealthread.ensure import Ensure, Write, request_hash
from dealthread.hub import Effects, WriteSpec
from dealthread.naming import idempotency_key
from dealthread.outcome import Done, Outcome, Rejected, Unknown
from dealthread.ports.erp import ErpPort

Asked = (
    LedgerInvoice
    | LedgerCreditMemo
    | LedgerReceipt
    | WriteOff
    | LedgerJournal
    | ForeignPayout
    | Reversal
)
"""What a ledger is asked to post: each names its company, and has a key of ours."""
D = TypeVar("D", bound=Asked)


@dataclass(frozen=True)
class LedgerStep(Generic[D]):
    """What is asked of a ledger: by whom, as which step, and what it is worth."""

    context: SagaContext
    erp: str
    """Key of the ERP instance."""
    step: str
    """In the idempotency key: once for each run of the business key."""
    name: str
    """Of the write, as people read it."""
    asked: D
    """The same key with another one is a bug, never a new write."""
    money: Money | None = None

    def spec(self) -> WriteSpec:
        context = self.context
        return WriteSpec(
            key=idempotency_key(context.business_key, context.generation, self.step, "do"),
            step=self.name,
            system=System.ERP,
            account=f"{self.erp}.{self.asked.company}",
            context=context,
            # Who bought stands at the biller: it is no part of what one key may ask for.
            request_hash=request_hash(self.asked.model_dump_json(exclude={"buyer"})),
            money=self.money,
        )


def named(made: PostedDocument) -> Effects:
    """The document is on record, under its native id."""
    return Effects(refs=(made.ref,))


class LedgerPosting:
    """Through the port of the ERP that a step names."""

    def __init__(self, erps: Mapping[str, ErpPort], ensure: Ensure) -> None:
        self._erps = erps
        self._ensure = ensure

    async def once(
        self,
        step: LedgerStep[D],
        act: Callable[[ErpPort, str], Awaitable[Outcome[PostedDocument]]],
        effects: Callable[[PostedDocument], Effects] = named,
    ) -> PostedDocument:
        """The document, found by its key before it is posted again."""
        erp = self._erps[step.erp]
        return await self._ensure(
            Write(
                spec=step.spec(),
                result_type=PostedDocument,
                find=lambda: posted(erp, step.asked.company, step.asked.document_key),
                act=lambda key: act(erp, key),
                effects=effects,
                settle=erp.settle_window,
            )
        )

    async def opposite(self, step: LedgerStep[Reversal], missing: str) -> PostedDocument:
        """The opposite of an entry; `missing` is the code of the case where there is none."""
        erp = self._erps[step.erp]

        async def act(key: str) -> Outcome[PostedDocument]:
            made = await erp.reverse_journal(step.asked, idempotency_key=key)
            return reversal_of(made, Rejected("cash.unmatched", missing, "reverses"))

        return await self._ensure(
            Write(
                spec=step.spec(),
                result_type=PostedDocument,
                # Found by its own key where it is made, with what it opens: an entry alone would
                # not show that.
                find=_not_asked,
                act=act,
                effects=named,
                settle=erp.settle_window,
            )
        )


async def posted(erp: ErpPort, company: str, document_key: str) -> PostedDocument | None:
    """A document that an earlier attempt left half-made is finished by acting again."""
    found = await erp.find_document(company, document_key)
    return None if found is None or found.state is DocumentState.DRAFT else found


def reversal_of(made: Outcome[PostedDocument | None], missing: Rejected) -> Outcome[PostedDocument]:
    """The entry that was made; `missing` where there was none to reverse."""
    match made:
        case Done(value=PostedDocument() as entry):
            return Done(entry)
        case Rejected() | Unknown():
            return made
    return missing


async def _not_asked() -> PostedDocument | None:
    return None
