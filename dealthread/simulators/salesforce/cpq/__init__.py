"""Salesforce CPQ: the managed package SBQQ, as far as its pages say what it does.

Names, types and lengths of fields: Salesforce Help ("CPQ Quote Fields", "CPQ Quote Line Fields",
"CPQ Subscription Fields", "CPQ Contract Fields") and metadata of the package as orgs publish it.
Formulas are the package's own. Left out, because it is not carried: bundles' options and features,
block and percent-of-total prices, discount schedules, price and product rules, groups, uplifts,
templates, advanced approvals, usage, and the calculator's plug-ins.

Assumed, since no page at hand says it:

- A CPQ org has "Auto-calculate Contract End Date" switched off: contracts get their end from CPQ.
- A contract that CPQ makes is a draft until somebody activates it; only an active one is amended.
- Activating an order activates its products.
- An amendment quote has one line for a subscription and all its revisions, and a revision refers to
  the first subscription of that chain; a chain that reaches zero is terminated at that day.
- A component's root is its bundle's subscription; what stands alone has no root id.
- Opportunities for amendments and renewals are named after the contract and begin in the first
  stage, unless the contract names a stage.
- Prices of quote lines are worked out by the simulator and cannot be written, which the package's
  fields would allow; a price method "Custom" takes the list price that is written.
- Errors of the package come as FIELD_CUSTOM_VALIDATION_EXCEPTION from rows and as APEX_ERROR with
  status 500 from the service router; a background job that fails leaves no rows, only an effect
  `SBQQ.<job>.failed` in the simulator's ledger (the package sends e-mails).
"""
