"""Carries out the rows of a table of changes, and compares what every system says of each."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from dealthread.domain.transaction import ChangeKind
from dealthread.naming import amendment_id
from dealthread.sandbox.selling import Entered
from tests.year.after import After
from tests.year.change_table import SALESFORCE, Change, Says
from tests.year.life import ChangedLine, Life

DRAFTED = timedelta(hours=2)
"""The biller keeps the invoice of a bank transfer as a draft for about an hour."""


class Changing:
    """One contract in the hands of those who change it."""

    def __init__(self, life: Life, deal: Entered) -> None:
        self._life = life
        by_transfer = deal.sale.collection == "bank_transfer"
        self._drafted = DRAFTED if by_transfer else timedelta(0)
        self._deal = deal
        self._after = After(life.accounts, deal)
        self._asked: dict[str, str] = {}
        """Kind of a change → its id."""
        self._outcome = ""
        self._path = f"/v1/contracts/{deal.contract_key}"

    async def sold(self, says: Says) -> None:
        """The contract as it was sold."""
        await self._life.office.time.by(self._drafted)
        await self._compare(says, "")

    async def paid(self, on: date) -> None:
        """The customer pays what is open."""
        await self._life.on(on)
        self._life.accounts.pay_out_of_band(self._deal)
        await self._life.tell("paid by bank transfer")

    async def carry_out(self, *changes: Change) -> None:
        """One after the other."""
        for change in changes:
            await self._carry_out(change)

    async def _carry_out(self, change: Change) -> None:
        """Preview, ask, wait, and see what all say; what is held says nothing new until its day."""
        life = self._life
        await life.on(change.on)
        life.sheet.agree(
            "billing, since then", self._after.new_documents(), [*change.billed_before]
        )
        body = {} if change.takes_back else await self._body(change)
        if body and not change.is_held:
            await self._previewed(body, change.says)
        await life.tell(f"{change.kind} (asked by {change.by})")
        change_id = await self._ask(change, body)
        self._asked[change.kind] = change_id
        if change.is_held:
            assert change.effective is not None
            await life.completed(change_id, outcome="scheduled")
            await self._compare(self._said.unchanged())
            await life.on(change.effective)
            await life.tell(f"{change.kind}, on its day")
        await life.completed(change_id)
        await life.office.time.by(self._drafted)
        await self._compare(change.says, "completed")
        heard = life.accounts.health(self._deal)
        life.sheet.agree(
            "customer success, latest",
            (heard["state"], heard["data"]["version"]),
            ("change_withdrawn" if change.takes_back else "amended", change.says.version),
        )

    # ------------------------------------------------------------ asking

    async def _body(self, change: Change) -> dict[str, Any]:
        """The order as the process API takes it."""
        lines = [
            {
                "action": line.action,
                "line_key": await self._line_key(line.of) if line.of else "",
                "product_code": line.product,
                "quantity": None if line.quantity is None else str(line.quantity),
                "unit_price": self._price(line.price),
            }
            for line in change.lines
        ]
        return {
            "lines": lines,
            "timing": change.timing,
            "effective_from": change.effective and change.effective.isoformat(),
            "payment_terms": change.terms,
            "reason": change.kind,
        }

    def _price(self, price: str | None) -> dict[str, str] | None:
        currency = self._deal.sale.customer.currency
        return None if price is None else {"amount": price, "currency": currency}

    async def _line_key(self, product: str) -> str:
        """Of the line that bills a product now."""
        view = await self._life.office.api.get(self._path)
        today = (await self._life.office.time.now()).date().isoformat()
        (key,) = {
            line["line_key"]
            for line in view["lines"]
            if line["product_code"] == product
            and line["start_date"] <= today
            and (line["end_date"] is None or today < line["end_date"])
        }
        return str(key)

    async def _previewed(self, body: dict[str, Any], says: Says) -> None:
        told = await self._life.office.api.post(f"{self._path}/amendments/preview", body)
        bills = [told["invoice"]] if told["invoice"] else []
        self._life.sheet.agree(
            "preview, totals",
            sorted(bill["gross"]["amount"] for bill in (*bills, *told["credit_memos"])),
            sorted(str(bill.total) for bill in says.bills),
        )

    async def _ask(self, change: Change, body: dict[str, Any]) -> str:
        if change.by == SALESFORCE:
            return await self._ask_in_salesforce(change, body)
        if change.takes_back:
            body = {"change_id": self._asked[change.takes_back], "reason": change.kind}
            answer = await self._life.office.api.post(f"{self._path}/withdrawals", body)
        else:
            answer = await self._life.office.api.post(f"{self._path}/amendments", body)
        return str(answer["business_key"])

    async def _ask_in_salesforce(self, change: Change, body: dict[str, Any]) -> str:
        effective = change.effective or change.on
        asked = self._life.won_amendment(
            self._deal,
            change.kind,
            [
                ChangedLine(
                    line.action,
                    sent["line_key"],
                    line.product or line.of,
                    line.quantity or 1,
                    line.price or "0",
                )
                for line, sent in zip(change.lines, body["lines"], strict=True)
            ],
            CloseDate=change.on,
            Dealthread_Signed_On__c=change.on,
            Dealthread_Effective_From__c=effective,
            Dealthread_Timing__c="on_date",
            **({"Dealthread_Payment_Terms__c": change.terms} if change.terms else {}),
        )
        change_id = amendment_id(self._deal.contract_key, asked)
        await self._life.ask(self._deal, ChangeKind.AMENDMENT, change_id, asked_by=asked)
        return change_id

    # ------------------------------------------------------------ comparing

    async def _compare(self, says: Says, outcome: str | None = None) -> None:
        """All systems; without an outcome the CRM shows that of the change before."""
        self._said = says
        self._outcome = self._outcome if outcome is None else outcome
        agree, accounts, after = self._life.sheet.agree, self._life.accounts, self._after
        await self._life.office.told()
        today = (await self._life.office.time.now()).date()
        agree("billing, new documents", after.new_documents(), [*says.bills])
        agree("billing, customer's balance", after.balance(), says.balance)
        now, to_come, due = after.agreement()
        agree("billing, agreement", now, sorted(says.agreement))
        agree("billing, to come", to_come, [*says.to_come])
        if says.terms != "DUE":
            agree("billing, days until due", due, int(says.terms.removeprefix("NET")))
        terms, booked = after.new_order()
        agree("ERP, new order", booked, [*says.booked])
        if booked:
            agree("ERP, its payment terms", terms, says.terms)
        agree("entitlement, rights", after.rights(today), sorted(says.rights))
        crm = accounts.crm(self._deal)
        told = crm["Dealthread_Version__c"]
        agree(
            "CRM, version, total contract value, change",
            (
                1 if told is None else int(told),
                crm["Dealthread_TCV__c"],
                crm["Dealthread_Change_Status__c"] or "",
            ),
            (says.version, says.tcv, self._outcome),
        )
        await self._life.compared(self._deal)
        view = await self._life.office.api.get(self._path)
        agree(
            "process API, version, total contract value, terms",
            (view["version"], view["money"]["tcv"]["amount"], view["payment_terms"]),
            (says.version, str(says.tcv), says.terms),
        )
