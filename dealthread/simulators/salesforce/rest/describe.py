"""`/sobjects` and `/sobjects/{object}/describe`: the schema as Salesforce tells it."""

from __future__ import annotations

from typing import Any

from dealthread.simulators.salesforce.rest.describe_fields import field_description
from dealthread.simulators.salesforce.schema.model import Schema, SObject
from dealthread.simulators.salesforce.schema.standard_labels import plural_of

MASTER_RECORD_TYPE = "012000000000000AAA"
_MERGEABLE = ("Account", "Contact")
_DEEP_CLONEABLE = ("Opportunity",)
_INTERNAL = ("Organization",)
"""Objects without pages, triggers, feeds or search."""


def global_describe(schema: Schema, base: str) -> dict[str, Any]:
    """GET /sobjects."""
    return {
        "encoding": "UTF-8",
        "maxBatchSize": 200,
        "sobjects": [_summary(one, base) for one in schema.objects.values()],
    }


def basic_describe(sobject: SObject, base: str) -> dict[str, Any]:
    """GET /sobjects/{object}; the simulator keeps no list of recently viewed rows."""
    return {"objectDescribe": _summary(sobject, base), "recentItems": []}


def describe(schema: Schema, sobject: SObject, base: str) -> dict[str, Any]:
    """GET /sobjects/{object}/describe."""
    path = f"{base}/sobjects/{sobject.name}"
    return {
        **_summary(sobject, base),
        **_NOT_CARRIED,
        "compactLayoutable": sobject.name not in _INTERNAL,
        "searchLayoutable": sobject.name not in _INTERNAL,
        "supportedScopes": [{"label": f"All {plural_of(sobject).lower()}", "name": "everything"}],
        "fields": [field_description(sobject, one) for one in sobject.fields.values()],
        "childRelationships": [
            {
                "cascadeDelete": child.on_delete in ("cascade", "guarded"),
                "childSObject": child.object,
                "deprecatedAndHidden": False,
                "field": child.field,
                "junctionIdListNames": [],
                "junctionReferenceTo": [],
                "relationshipName": child.relationship or None,
                "restrictedDelete": child.on_delete in ("restrict", "guarded"),
            }
            for child in schema.children.get(sobject.name, ())
        ],
        "recordTypeInfos": [
            {
                "active": True,
                "available": True,
                "defaultRecordTypeMapping": True,
                "developerName": "Master",
                "master": True,
                "name": "Master",
                "recordTypeId": MASTER_RECORD_TYPE,
                "urls": {
                    "layout": f"{path}/describe/layouts/{MASTER_RECORD_TYPE}",
                },
            }
        ],
    }


_NOT_CARRIED: dict[str, Any] = {
    "actionOverrides": [],
    "defaultImplementation": None,
    "extendedBy": None,
    "extendsInterfaces": None,
    "implementedBy": None,
    "implementsInterfaces": None,
    "listviewable": None,
    "lookupLayoutable": None,
    "namedLayoutInfos": [],
    "networkScopeFieldName": None,
    "sobjectDescribeOption": "FULL",
}
"""As recorded of every object; `null` and empty in the recordings, too."""


def _summary(sobject: SObject, base: str) -> dict[str, Any]:
    path = f"{base}/sobjects/{sobject.name}"
    has_pages = sobject.name not in _INTERNAL
    return {
        "name": sobject.name,
        "label": sobject.label or sobject.name,
        "labelPlural": plural_of(sobject),
        "keyPrefix": sobject.prefix,
        "custom": sobject.is_custom,
        "customSetting": False,
        "createable": sobject.createable,
        "updateable": sobject.updateable,
        "deletable": sobject.deletable,
        "undeletable": sobject.deletable,
        "queryable": True,
        "retrieveable": True,
        "replicateable": True,
        "searchable": has_pages,
        "layoutable": has_pages,
        "triggerable": has_pages,
        "feedEnabled": has_pages,
        "mruEnabled": has_pages,
        "mergeable": sobject.name in _MERGEABLE,
        "deepCloneable": sobject.name in _DEEP_CLONEABLE,
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "deprecatedAndHidden": False,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "urls": {"sobject": path, "describe": f"{path}/describe", "rowTemplate": path + "/{ID}"},
    }
