"""`/sobjects` and `/sobjects/{object}/describe`: the schema as Salesforce tells it."""

from __future__ import annotations

from typing import Any

from dealthread.simulators.salesforce.schema import Field, FieldType, Schema, SObject

_SYSTEM = frozenset(
    {
        "Id",
        "OwnerId",
        "CreatedDate",
        "CreatedById",
        "LastModifiedDate",
        "LastModifiedById",
        "SystemModstamp",
    }
)
"""Never null and filled on create, as recorded describes of real orgs say."""

_SOAP_TYPES = {
    FieldType.ID: "tns:ID",
    FieldType.REFERENCE: "tns:ID",
    FieldType.BOOLEAN: "xsd:boolean",
    FieldType.INT: "xsd:int",
    FieldType.DOUBLE: "xsd:double",
    FieldType.CURRENCY: "xsd:double",
    FieldType.PERCENT: "xsd:double",
    FieldType.DATE: "xsd:date",
    FieldType.DATETIME: "xsd:dateTime",
    FieldType.ADDRESS: "urn:address",
}


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
    return {
        **_summary(sobject, base),
        "fields": [_field(one) for one in sobject.fields.values()],
        "childRelationships": [
            {
                "cascadeDelete": child.on_delete == "cascade",
                "childSObject": child.object,
                "deprecatedAndHidden": False,
                "field": child.field,
                "relationshipName": child.relationship or None,
                "restrictedDelete": child.on_delete == "restrict",
            }
            for child in schema.children.get(sobject.name, ())
        ],
        "recordTypeInfos": [],
    }


def _summary(sobject: SObject, base: str) -> dict[str, Any]:
    path = f"{base}/sobjects/{sobject.name}"
    return {
        "name": sobject.name,
        "label": sobject.label or sobject.name,
        "keyPrefix": sobject.prefix,
        "custom": sobject.is_custom,
        "createable": sobject.createable,
        "updateable": sobject.updateable,
        "deletable": sobject.deletable,
        "queryable": True,
        "retrieveable": True,
        "undeletable": False,
        "urls": {"sobject": path, "describe": f"{path}/describe", "rowTemplate": path + "/{ID}"},
    }


def _field(one: Field) -> dict[str, Any]:
    is_long = one.type is FieldType.LONG_TEXT
    is_plain = not is_long and one.type is not FieldType.ADDRESS
    is_defaulted = one.default is not None or one.name in _SYSTEM
    is_never_null = one.required or one.type is FieldType.BOOLEAN or one.name in _SYSTEM
    is_name = one.name == "Name"
    return {
        "name": one.name,
        "label": one.label or one.name,
        "type": "textarea" if is_long else str(one.type),
        "soapType": _SOAP_TYPES.get(one.type, "xsd:string"),
        "length": one.length,
        "byteLength": one.length * 3,
        "digits": one.precision if one.type is FieldType.INT else 0,
        "precision": 0 if one.type is FieldType.INT else one.precision,
        "scale": one.scale,
        "nillable": not (is_never_null or is_name),
        "defaultedOnCreate": is_defaulted,
        "defaultValue": one.default,
        "createable": one.createable,
        "updateable": one.updateable,
        "unique": one.unique,
        "caseSensitive": one.case_sensitive,
        "externalId": one.external_id,
        "idLookup": one.external_id or one.id_lookup or one.type is FieldType.ID,
        "calculated": one.calculated and one.is_custom,
        "autoNumber": bool(one.auto_number),
        "custom": one.is_custom,
        "filterable": is_plain,
        "sortable": is_plain,
        "groupable": is_plain and not one.type.is_number and one.type is not FieldType.DATETIME,
        "nameField": is_name,
        "restrictedPicklist": one.type is FieldType.PICKLIST and one.restricted,
        "picklistValues": [
            {
                "active": True,
                "defaultValue": value == one.default,
                "label": value,
                "validFor": None,
                "value": value,
            }
            for value in one.picklist
        ],
        "referenceTo": [one.reference_to] if one.reference_to else [],
        "relationshipName": one.relationship or None,
    }
