"""The remote procedures of Tryton that the ERP adapter uses: its documented models and buttons."""

from __future__ import annotations

from adapters.manifest import Manifest, operations

_DOCS = "https://docs.tryton.org/latest/"
_RPC = "RPC "
_SEARCHED = (
    "account.account",
    "account.invoice",
    "account.invoice.payment_term",
    "account.period",
    "account.tax",
    "company.company",
    "country.country",
    "country.subdivision",
    "currency.currency",
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
            _DOCS + "server/ref/models.html",
            _RPC + "model.ir.attachment.create",
            _RPC + "model.ir.attachment.write",
        ),
    ],
)
