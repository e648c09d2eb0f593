"""How a describe tells one field; keys and values as recorded from real orgs."""

from __future__ import annotations

from typing import Any

from dealthread.simulators.salesforce.schema.model import Field, FieldType, SObject
from dealthread.simulators.salesforce.schema.standard_labels import label_of

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

_FILLED_BY_RULES = {("Opportunity", "Probability"): "by the stage"}
"""Defaulted on create without a default of their own: how."""

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
_UNGROUPED = (
    FieldType.DATETIME,
    FieldType.DOUBLE,
    FieldType.CURRENCY,
    FieldType.PERCENT,
    FieldType.LONG_TEXT,
    FieldType.ADDRESS,
)
_ADDRESS_PARTS = ("Street", "City", "State", "PostalCode", "Country")
_PERSON_NAMES = {
    ("Contact", "LastName"),
    ("Contact", "FirstName"),
    ("Contact", "Salutation"),
    ("Contact", "Name"),
}
_NOT_CARRIED: dict[str, Any] = {
    "aiPredictionField": False,
    "calculatedFormula": None,
    "cascadeDelete": False,
    "controllerName": None,
    "defaultValueFormula": None,
    "dependentPicklist": False,
    "deprecatedAndHidden": False,
    "displayLocationInDecimal": False,
    "encrypted": False,
    "filteredLookupInfo": None,
    "formulaTreatNullNumberAsZero": False,
    "highScaleNumber": False,
    "htmlFormatted": False,
    "inlineHelpText": None,
    "mask": None,
    "maskType": None,
    "namePointing": False,
    "polymorphicForeignKey": False,
    "referenceTargetField": None,
    "relationshipOrder": None,
    "restrictedDelete": False,
    "writeRequiresMasterRead": False,
}
"""Features that no field here has; recorded fields without them say the same."""


def field_description(sobject: SObject, one: Field) -> dict[str, Any]:
    """One element of `fields`."""
    is_long = one.type is FieldType.LONG_TEXT
    is_plain = not is_long and one.type is not FieldType.ADDRESS
    is_defaulted = (
        one.default is not None
        or one.name in _SYSTEM
        or bool(one.auto_number)
        or (sobject.name, one.name) in _FILLED_BY_RULES
    )
    is_filled = one.never_null or bool(one.auto_number) or one.name in _SYSTEM
    is_never_null = one.required or one.type is FieldType.BOOLEAN or is_filled
    is_name = one.name == "Name"
    is_id = one.type in (FieldType.ID, FieldType.REFERENCE)
    return {
        **_NOT_CARRIED,
        "name": one.name,
        "label": label_of(sobject, one),
        "type": "textarea" if is_long else str(one.type),
        "soapType": _SOAP_TYPES.get(one.type, "xsd:string"),
        "extraTypeInfo": _extra_type(sobject, one),
        "compoundFieldName": _compound(sobject, one),
        "length": one.length,
        # Ids are ASCII; a character of other texts takes up to three bytes.
        "byteLength": one.length if is_id else one.length * 3,
        "digits": one.precision if one.type is FieldType.INT else 0,
        "precision": 0 if one.type is FieldType.INT else one.precision,
        "scale": one.scale,
        "nillable": not (is_never_null or is_name),
        "defaultedOnCreate": is_defaulted,
        "defaultValue": one.default,
        "createable": one.createable,
        "updateable": one.updateable,
        "permissionable": _is_permissionable(sobject, one),
        "unique": one.unique,
        "caseSensitive": one.case_sensitive,
        "externalId": one.external_id,
        "idLookup": one.external_id or one.id_lookup or one.type is FieldType.ID,
        "calculated": one.calculated and one.is_custom,
        "autoNumber": bool(one.auto_number),
        "custom": one.is_custom,
        "filterable": is_plain,
        "sortable": is_plain,
        "groupable": one.type not in _UNGROUPED,
        "aggregatable": is_plain and one.type is not FieldType.BOOLEAN,
        "queryByDistance": one.type is FieldType.ADDRESS,
        "searchPrefilterable": _is_prefilterable(one),
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


def _extra_type(sobject: SObject, one: Field) -> str | None:
    if one.type in (FieldType.TEXTAREA, FieldType.LONG_TEXT):
        return "plaintextarea"
    if (sobject.name, one.name) in _PERSON_NAMES:
        return "personname"
    return "switchablepersonname" if (sobject.name, one.name) == ("Account", "Name") else None


def _compound(sobject: SObject, one: Field) -> str | None:
    """The compound field that this one is a part of."""
    if (sobject.name, one.name) == ("Account", "Name"):
        return "Name"  # an account may be a person in orgs that allow it
    if (sobject.name, one.name) in _PERSON_NAMES and one.name != "Name":
        return "Name"
    for part in _ADDRESS_PARTS:
        compound = f"{one.name.removesuffix(part)}Address"
        found = sobject.find(compound) if one.name.endswith(part) else None
        if found is not None and found.type is FieldType.ADDRESS:
            return found.name
    return None


def _is_permissionable(sobject: SObject, one: Field) -> bool:
    """Whether field-level security can be set; not for what every user must see."""
    if one.is_custom:
        return not one.required
    is_read_only_fact = not one.createable and one.type in (FieldType.BOOLEAN, FieldType.DATETIME)
    is_always_seen = (sobject.name, one.name) in {
        ("Opportunity", "ContactId"),
        ("Opportunity", "Pricebook2Id"),
    }
    return not (
        one.name in _SYSTEM
        or one.required
        or one.name == "Name"
        or is_read_only_fact
        or is_always_seen
        or (sobject.name, one.name) in _PERSON_NAMES
    )


def _is_prefilterable(one: Field) -> bool:
    is_lookup = one.type is FieldType.REFERENCE and one.reference_to != "User"
    return is_lookup and one.name != "ContactId"
