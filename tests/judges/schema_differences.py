"""Where the simulator's standard objects are not as jsforce's types have them, and why.

Those types were made from one org of an older version, without quotes and with one currency.
Place (with shell wildcards) -> reason. A line that meets no difference fails the test.
"""

from __future__ import annotations

DIFFERENCES: dict[str, str] = {
    # ------------------------------------------------ the published org had it switched off
    "*.CurrencyIsoCode": "comes with many currencies",
    "*.DefaultCurrencyIsoCode": "comes with many currencies",
    "CurrencyType": "comes with many currencies",
    "Quote": "quotes are a setting of an org",
    "QuoteLineItem": "comes with quotes",
    "*.children.Quotes": "comes with quotes",
    "*.children.QuoteLineItems": "comes with quotes",
    "Opportunity.SyncedQuoteId": "comes with quotes",
    "Order.QuoteId": "comes with quotes",
    "OrderItem.QuoteLineItemId": "comes with quotes",
    "Opportunity.ContractId": "shown by a setting; in the Field Reference Guide",
    "Opportunity.children.Orders": "comes with Order.OpportunityId",
    "Order.OpportunityId": "a setting of orders; in metadata of orgs that have it",
    # ------------------------------------------------ fields that profile could not see
    "Account.AccountNumber": "recorded in another org",
    "Account.Rating": "recorded in another org",
    "Account.Si[ct]*": "recorded in another org",
    "Account.TickerSymbol": "recorded in another org",
    "Opportunity.ExpectedRevenue": "recorded in another org",
    "Opportunity.LastStageChangeDate": "recorded in another org; newer than the types",
    "Opportunity.IsPrivate": "recorded in another org",
    "Opportunity.ContactId": "recorded in another org; newer than the types",
    "Contact.children.Opportunities": "recorded in another org; newer than the types",
    "OpportunityLineItem.Discount": "object reference",
    "Contract.Name": "object reference",
    "Contract.Pricebook2Id": "object reference",
    "Order.Name": "object reference",
    "Order.OrderReferenceNumber": "object reference",
    "Order.Po*": "object reference",
    "Order.*ToContactId": "object reference; recorded as children of Contact",
    "Order.*AuthorizedDate": "object reference",
    # ------------------------------------------------ stricter here
    "OpportunityLineItem.PricebookEntryId.nillable": "products without a price book are refused",
    "O*Item.UnitPrice.nillable": "a line without a price is refused, never given one",
    "Order.AccountId.nillable": "the object reference calls it required",
    "*.Name.nillable": "the name of a line or an entry is never empty here",
    # ------------------------------------------------ not carried
    "Account.children.*edAssets": "who provides or serves an asset is not carried",
    "*.children.Users": "users of portals are not carried",
    "User.children.*Users": "managers and delegates are not carried",
    "Order.children.Orders": "reduction orders are refused",
    "OrderItem.children.ChildOrderItems": "reduction orders are refused",
    "*.IsDeleted": "every row here has it; users and the org are never deleted",
}
