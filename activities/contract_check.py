"""Reading what each system says of contracts now. Writes nothing, and never fails for one that
does not answer: what could not be read is said, with the code."""

from __future__ import annotations

from collections.abc import Mapping

from temporalio import activity

from dealthread.domain.base import Carried, Ref, System
from dealthread.domain.comparison.seen import (
    SeenAgreement,
    SeenBooking,
    SeenEntitlement,
    SeenHeld,
    SeenRecords,
)
from dealthread.domain.documents import Agreement, AgreementStatus
from dealthread.errors import DealthreadError, NotFound, VendorUnavailable
from dealthread.ports.billing import BillingPort
from dealthread.ports.crm import CrmPort
from dealthread.ports.customer_success import CustomerSuccessPort
from dealthread.ports.entitlement import EntitlementPort
from dealthread.ports.erp import ErpPort


class ContractKeys(Carried):
    """Input of `contract.read_crm` and `contract.read_entitlements`."""

    contract_keys: tuple[str, ...]


class AgreementId(Carried):
    """One agreement: the subscription, else the schedule that has not begun."""

    contract_key: str
    billing_account: str
    subscription: str = ""
    schedule: str = ""


class ReadAgreements(Carried):
    """Input of `contract.read_agreements`."""

    agreements: tuple[AgreementId, ...]


class BookingId(Carried):
    """One booking: by our key on it, and by the ledger's id where the key is gone."""

    contract_key: str
    document_key: str
    native_id: str


class ReadBookings(Carried):
    """Input of `contract.read_bookings`: those of one company of one ledger."""

    erp: str
    company: str
    bookings: tuple[BookingId, ...]


class AgreementsSeen(Carried):
    """What the biller says."""

    agreements: tuple[SeenAgreement, ...] = ()


class BookingsSeen(Carried):
    """What one company of a ledger says."""

    bookings: tuple[SeenBooking, ...] = ()


class EntitlementsSeen(Carried):
    """What the entitlement service says."""

    entitlements: tuple[SeenEntitlement, ...] = ()


class ReadHeld(Carried):
    """Input of `contract.read_held`: contracts of one customer-success system."""

    subscriber: str
    contract_keys: tuple[str, ...]


class HeldSeen(Carried):
    """What a customer-success system says."""

    held: tuple[SeenHeld, ...] = ()


class CrmCheckActivities:
    """Through the CRM's port."""

    def __init__(self, crm: CrmPort) -> None:
        self._crm = crm

    @activity.defn(name="contract.read_crm")
    async def read(self, order: ContractKeys) -> SeenRecords:
        """The records of contracts, in one call."""
        try:
            return SeenRecords(records=await self._crm.contracts_now(order.contract_keys))
        except DealthreadError as error:
            return SeenRecords(unread=error.code)


class AgreementCheckActivities:
    """Through the billing port."""

    def __init__(self, billing: BillingPort) -> None:
        self._billing = billing

    @activity.defn(name="contract.read_agreements")
    async def read(self, order: ReadAgreements) -> AgreementsSeen:
        """Each agreement as it stands."""
        return AgreementsSeen(agreements=tuple([await self._one(a) for a in order.agreements]))

    async def _one(self, asked: AgreementId) -> SeenAgreement:
        key = asked.contract_key
        try:
            found = await self._billing.agreement_now(_agreement(asked), asked.billing_account)
        except NotFound:
            return SeenAgreement(contract_key=key)
        except DealthreadError as error:
            return SeenAgreement(contract_key=key, unread=error.code)
        return SeenAgreement(contract_key=key, agreement=found)


def _agreement(asked: AgreementId) -> Agreement:
    def ref(kind: str, native_id: str) -> Ref | None:
        if not native_id:
            return None
        return Ref(
            system=System.BILLING,
            account=asked.billing_account,
            kind=kind,
            native_id=native_id,
        )

    subscription, schedule = (
        ref("subscription", asked.subscription),
        ref("schedule", asked.schedule),
    )
    named = subscription or schedule
    if named is None:
        raise NotFound("agreement_without_id")
    return Agreement(
        ref=named, subscription=subscription, schedule=schedule, status=AgreementStatus.ACTIVE
    )


class BookingCheckActivities:
    """Through the port of the ERP that the contracts name."""

    def __init__(self, erps: Mapping[str, ErpPort]) -> None:
        self._erps = erps

    @activity.defn(name="contract.read_bookings")
    async def read(self, order: ReadBookings) -> BookingsSeen:
        """Each booking as it stands."""
        erp = self._erps[order.erp]
        found = [await self._one(erp, order.company, one) for one in order.bookings]
        return BookingsSeen(bookings=tuple(found))

    async def _one(self, erp: ErpPort, company: str, asked: BookingId) -> SeenBooking:
        seen = SeenBooking(contract_key=asked.contract_key, native_id=asked.native_id)
        # Somebody may have written another reference over our key: the order is still there.
        for name in filter(None, (asked.document_key, asked.native_id)):
            try:
                booking = await erp.read_booking(company, name)
            except NotFound:
                continue
            except DealthreadError as error:
                return seen.model_copy(update={"unread": error.code})
            return seen.model_copy(update={"booking": booking})
        return seen


class EntitlementCheckActivities:
    """Through the entitlement port."""

    def __init__(self, entitlement: EntitlementPort) -> None:
        self._entitlement = entitlement

    @activity.defn(name="contract.read_entitlements")
    async def read(self, order: ContractKeys) -> EntitlementsSeen:
        """What is granted for each contract."""
        found = [await self._one(key) for key in order.contract_keys]
        return EntitlementsSeen(entitlements=tuple(found))

    async def _one(self, key: str) -> SeenEntitlement:
        try:
            # The look-up is by contract: whichever act made it.
            found = await self._entitlement.find(key, idempotency_key="")
        except DealthreadError as error:
            return SeenEntitlement(contract_key=key, unread=error.code)
        return SeenEntitlement(contract_key=key, entitlement=found)


class HeldCheckActivities:
    """Through the ports of the customer-success systems that can be read, by subscriber."""

    def __init__(self, systems: Mapping[str, CustomerSuccessPort]) -> None:
        self._systems = systems

    @activity.defn(name="contract.read_held")
    async def read(self, order: ReadHeld) -> HeldSeen:
        """Each contract as the system holds it. One that is away is not waited for again."""
        system = self._systems.get(order.subscriber)
        away = "" if system is not None else "reading_not_configured"
        found = []
        for key in order.contract_keys:
            seen = SeenHeld(subscriber=order.subscriber, contract_key=key, unread=away)
            if system is not None and not away:
                try:
                    seen = seen.model_copy(update={"contract": await system.contract_now(key)})
                except VendorUnavailable as error:
                    away = error.code
                    seen = seen.model_copy(update={"unread": away})
                except DealthreadError as error:
                    seen = seen.model_copy(update={"unread": error.code})
            found.append(seen)
        return HeldSeen(held=tuple(found))
