"""The remote procedures of Tryton that the ERP adapter uses: its documented models and buttons."""

from __future__ import annotations

from adapters.manifest import Manifest, operations

_DOCS = "https://docs.tryton.org/latest/"
_RPC = "RPC "
_SEARCHED = (
    "account.account",
    "account.invoice",
    "account.invoice.payment_term",
    "account.journal",
    "account.move",
    "account.move.line",
    "account.period",
    "account.tax",
    "company.company",
    "country.country",
    "country.subdivision",
    "currency.currency",
    "currency.currency.rate",
    "ir.attachment",
    "party.address",
    "party.party",
    "party.relation.all",
    "party.relation.type",
    "product.product",
    "sale.line",
    "sale.sale",
)

MANIFEST = Manifest(
    "erp",
    [
        *operations(_DOCS + "server/", _RPC + "common.db.login"),
        *operations(
            _DOCS + "server/ref/models.html",
            *(f"{_RPC}model.{name}.search_read" for name in _SEARCHED),
            _RPC + "model.account.configuration.read",
            _RPC + "model.sale.line.fields_get",
        ),
        *operations(
            _DOCS + "modules-party/",
            _RPC + "model.party.party.create",
            _RPC + "model.party.party.write",
            _RPC + "model.party.relation.all.create",
            _RPC + "model.party.relation.all.delete",
            _RPC + "model.party.relation.all.write",
        ),
        *operations(
            _DOCS + "modules-sale/",
            _RPC + "model.sale.sale.create",
            _RPC + "model.sale.sale.write",
            _RPC + "model.sale.sale.quote",
            _RPC + "model.sale.sale.confirm",
            _RPC + "model.sale.sale.process",
            _RPC + "model.sale.sale.cancel",
            _RPC + "wizard.sale.return_sale.create",
            _RPC + "wizard.sale.return_sale.execute",
            _RPC + "wizard.sale.return_sale.delete",
        ),
        *operations(
            _DOCS + "modules-account-invoice/",
            _RPC + "model.account.invoice.create",
            _RPC + "model.account.invoice.write",
            _RPC + "model.account.invoice.post",
            _RPC + "model.account.invoice.cancel",
        ),
        *operations(
            _DOCS + "modules-account/",
            _RPC + "model.account.move.create",
            _RPC + "model.account.move.delete",
            _RPC + "model.account.move.post",
            _RPC + "model.account.period.close",
            _RPC + "model.account.move.line.write",
            *(
                f"{_RPC}wizard.account.move.{name}.{step}"
                for name in ("reconcile_lines", "unreconcile_lines")
                for step in ("create", "execute", "delete")
            ),
        ),
        *operations(_DOCS + "server/", _RPC + "model.res.user.warning.skip"),
        *operations(
            _DOCS + "server/ref/models.html",
            _RPC + "model.ir.attachment.create",
            _RPC + "model.ir.attachment.write",
        ),
    ],
)
