"""Steps of RecognitionRun on the ledger: post a document, reverse it, withdraw what was not
sent."""

from __future__ import annotations

from collections.abc import Mapping

from temporalio import activity

from activities.inputs import Undone
from activities.ledger_posting import posted, reversal_of
from activities.recognition_inputs import PostRecognition, WithdrawRecognition
from dealthread.domain.base import System
from dealthread.domain.event_data.revenue import RevenueRecognised, RevenueReversed
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.domain.ledger import Reversal
from dealthread.domain.posted import PostedDocument
from dealthread.domain.recognition.rows import RecognitionDocument, RecognitionState
from dealthread.domain.transaction import SagaContext
from dealthread.ensure import Ensure, Undo, Write, request_hash
from dealthread.hub import Effects, RecognitionMark, WriteSpec
from dealthread.hub_recognition import Recognition
from dealthread.naming import erp_document_key, event_id, idempotency_key
from dealthread.outcome import Outcome, Rejected
from dealthread.ports.clock import BusinessClock
from dealthread.ports.erp import ErpPort


class RecognitionPostingActivities:
    """One document each: found by its key before it is posted, or undone, again."""

    def __init__(
        self,
        erps: Mapping[str, ErpPort],
        ensure: Ensure,
        store: Recognition,
        clock: BusinessClock,
    ) -> None:
        self._erps = erps
        self._ensure = ensure
        self._store = store
        self._clock = clock

    @activity.defn(name="recognition.post")
    async def post(self, order: PostRecognition) -> PostedDocument:
        """The entry as it was planned. That it is posted is kept with the event that tells it."""
        document = await self._store.document(order.document_key)
        erp, command = self._erps[document.erp], document.journal()
        context = order.context

        def effects(made: PostedDocument) -> Effects:
            data = RevenueRecognised(
                **_told(document, made.entry or made.ref.native_id),
                contract_lines=len({(row.contract_key, row.obligation) for row in document.rows}),
            )
            event = self._event(EventType.REVENUE_RECOGNISED, context, document, "told")
            mark = RecognitionMark(
                document.document_key, RecognitionState.POSTED, entry=made.entry or made.number
            )
            return Effects(
                refs=(made.ref,),
                events=(event.model_copy(update={"data": data.told()}),),
                recognition=mark,
            )

        return await self._ensure(
            Write(
                spec=_spec(context, document, "do", request_hash(command)),
                result_type=PostedDocument,
                find=lambda: posted(erp, document.company, document.document_key),
                act=lambda key: erp.post_journal(command, idempotency_key=key),
                effects=effects,
                settle=erp.settle_window,
            )
        )

    @activity.defn(name="recognition.reverse")
    async def reverse(self, order: PostRecognition) -> Undone:
        """The opposite entry, on the day of the first; what was never sent is only withdrawn."""
        document = await self._store.document(order.document_key)
        erp, context = self._erps[document.erp], order.context
        command = Reversal(
            document_key=reversal_key(context, document),
            company=document.company,
            reverses=document.document_key,
            posting_date=document.posting_date,
            reason=order.reason or "run stopped",
        )

        async def remove(_: PostedDocument, key: str) -> Outcome[PostedDocument]:
            made = await erp.reverse_journal(command, idempotency_key=key)
            return reversal_of(made, Rejected("erp.rejected", "nothing_to_reverse"))

        def effects(_: PostedDocument) -> Effects:
            data = RevenueReversed(
                **_told(document, document.entry or document.document_key),
                reversal_key=command.document_key,
            )
            event = self._event(EventType.REVENUE_REVERSED, context, document, "reversal-told")
            mark = RecognitionMark(
                document.document_key,
                RecognitionState.REVERSED,
                reversal_key=command.document_key,
            )
            return Effects(
                events=(event.model_copy(update={"data": data.told()}),), recognition=mark
            )

        undone = await self._ensure.undo(
            _key(context, document, "do"),
            Undo(
                spec=_spec(context, document, "undo", request_hash(document.document_key)),
                result_type=PostedDocument,
                # One that is reversed already is found too: reversing it again makes nothing new,
                # and an answer that was lost is thus recorded.
                find=lambda: posted(erp, document.company, document.document_key),
                remove=remove,
                effects=effects,
                settle=erp.settle_window,
            ),
        )
        if undone is None:
            await self._store.withdraw(document.seller, document.period, document.document_key)
        return Undone(removed=str(undone.ref) if undone else "")

    @activity.defn(name="recognition.withdraw")
    async def withdraw(self, order: WithdrawRecognition) -> Undone:
        """What a stopped run had planned and did not come to send."""
        await self._store.withdraw(order.seller, order.period)
        return Undone()

    def _event(
        self, kind: EventType, context: SagaContext, document: RecognitionDocument, way: str
    ) -> BusinessEvent:
        return BusinessEvent(
            id=event_id(_key(context, document, way)),
            type=kind,
            subject=f"{document.seller}:{document.period:%Y-%m}",
            time=self._clock.now(),
            data={},
        )


def reversal_key(context: SagaContext, document: RecognitionDocument) -> str:
    """Our key on the opposite entry."""
    return erp_document_key(
        context.tenant, document.seller, "recognition-reversal", document.document_key, 1
    )


def _key(context: SagaContext, document: RecognitionDocument, way: str) -> str:
    return idempotency_key(context.business_key, 1, f"document-{document.number}", way)


def _spec(context: SagaContext, document: RecognitionDocument, way: str, hashed: str) -> WriteSpec:
    return WriteSpec(
        key=_key(context, document, way),
        step="erp.recognise" if way == "do" else "erp.undo_recognise",
        system=System.ERP,
        account=f"{document.erp}.{document.company}",
        context=context,
        request_hash=hashed,
        money=document.ledger_amount,
    )


def _told(document: RecognitionDocument, entry: str) -> dict[str, object]:
    return {
        "seller": document.seller,
        "period": f"{document.period:%Y-%m}",
        "document_key": document.document_key,
        "document": entry,
        "posting_date": document.posting_date,
        "currency": document.currency,
        "amount": str(document.amount.amount),
        "ledger_currency": document.ledger_currency,
        "ledger_amount": str(document.ledger_amount.amount),
    }
