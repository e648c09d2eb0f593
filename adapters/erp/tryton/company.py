"""Which company of Tryton a company code of ours means, and the context that goes with it."""

from __future__ import annotations

from typing import Any

from adapters.erp.tryton.rpc import TrytonRpc
from adapters.erp.tryton.settings import TrytonSettings
from dealthread.domain.base import Ref, System
from dealthread.errors import BadInput, ContractDrift


class Companies:
    """Resolves company codes, names what was found, and makes references."""

    def __init__(self, settings: TrytonSettings, rpc: TrytonRpc) -> None:
        self._settings = settings
        self._rpc = rpc
        self._ids: dict[str, int] = {}

    async def context(self, company: str) -> dict[str, Any]:
        """Context of a call. Rows of other companies are silently invisible without it."""
        return {"company": await self.id(company)}

    async def id(self, company: str) -> int:
        """Tryton's id of a company code; a company named by its legal name is looked up once."""
        known = self._ids.get(company)
        if known is not None:
            return known
        try:
            named = self._settings.companies[company]
        except KeyError:
            raise BadInput(
                "company_unknown",
                field="company",
                action="add it to DEALTHREAD_TRYTON_COMPANIES",
                company=company,
            ) from None
        if isinstance(named, str) and not named.isdigit():
            rows = await self._rpc.search_read(
                "company.company", [["party.name", "=", named]], ["id"], context={}
            )
            if len(rows) != 1:
                raise ContractDrift("company_not_found", company=company)
            named = rows[0]["id"]
        self._ids[company] = int(named)
        return self._ids[company]

    def ref(self, company: str, kind: str, native_id: int) -> Ref:
        """A reference that names instance and company: bare ids are unique only inside one."""
        account = f"{self._settings.instance}.{company}"
        return Ref(system=System.ERP, account=account, kind=kind, native_id=str(native_id))

    def of(self, ref: Ref) -> str:
        """Company code of a reference made here."""
        instance, _, company = ref.account.partition(".")
        if instance != self._settings.instance or not company:
            raise BadInput(
                "foreign_reference",
                field="ref",
                action=f"use a reference of {self._settings.instance}",
                ref=str(ref),
            )
        return company
