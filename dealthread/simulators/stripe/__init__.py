"""A Stripe that answers the official clients, for quote-to-cash without a network.

Carried: catalogue, tax rates, customers with search and tax ids, card test methods,
subscriptions, schedules, invoice items, invoices with previews, one-off ones too, payment intents,
charges and retries, refunds, credit notes, customer balances, events and signed webhooks; several
accounts at once.
What is not carried is refused with the code `simulator_unsupported`; nothing is invented for it.

Never compared with the real Stripe. Assumed, because no page at hand says it:

- The first invoice of a schedule is a draft for an hour, also when it charges automatically.
- A schedule that starts in the past counts its periods from its start date.
- A planned end stops the drafts and open invoices of a subscription as a cancellation does; the
  final invoice, made after the end, still finalises and is collected by itself.
- An incomplete subscription that is cancelled becomes `canceled`.
- A draft that is sent has no due date until it is finalised.
- `resource_missing` for an id in a parameter is the result of an execution: saved under the key.
- A preview of something new has no `parent`, since there is no subscription to name.
- A schedule whose `end_behavior` is release has the status `released` after its last phase.
- A tax id's form is judged in execution, so its refusal is saved under the key; no registry is
  asked, its verification stays as it began. A preview's tax ids replace those of the customer.
- A day of the month that falls on the very instant of the request is not the next occurrence.
- An anchor by day of the month beside a start in the past, which a page calls not supported, is an
  error.
- What a phase leaves empty in its invoice settings, the schedule's default settings fill.
- An invoice item of an amount alone names no price, and no description unless it is given.
- The invoice items of a subscription that ended are taken by the customer's next invoice.
- An event about a customer on a test clock is dated by that clock. A deleted clock takes its
  objects with it without an event for each.

Assumed of prices, usage and discounts:

- Graduated tiers make a line each, and another of quantity 0 for a flat fee, as published answers
  of Stripe show; volume tiers with a flat fee make two lines in the same way.
- A package's line shows the quantity before it is divided, and the price of one package.
- A tiered price is recurring; its last tier has no end.
- A default price cannot be archived; an inactive price keeps its lookup key.
- An amount off is spread over the lines in proportion to what is left of each, rounded on the
  running sum; a percentage is rounded on each line, also on negative ones.
- An invoice names the discounts of its subscription by their own ids. A line of a subscription item
  is discounted while its period began before the discount's end, other lines by the invoice's date.
- A discount that holds once is the draft's from its creation on, unless that draft is voided.
- A phase redeems its coupons when it begins, whatever became of them since the schedule was made;
  a coupon that the phase before named too goes on as it was.
- Usage counts as soon as it is reported; what Stripe would drop later is refused at once. A period
  without usage makes a line of quantity 0 when the next one begins. Of a backdated start the first
  invoice bills the usage of the periods that have ended, the running one follows at its end.
- A final invoice bills the usage up to the end, also where `cancel_at` cuts a period short.
- Between phases metered prices stay the same. What was used at a price that goes is an invoice item
  without proration, which discounts may lower; no usage makes none.
- An end of a discount is told by `customer.subscription.updated`, not by `customer.discount.*`.
- Prorations: halves of a minor unit are rounded away from zero; parts that come to nothing make no
  item; the unit amount shown is the amount by quantity; a credit keeps the tax rates of the line it
  gives back, one of a voided invoice is not given, credit notes do not lessen it; a regular line of
  a part of a period says `proration` and can be discounted. Changes during a trial make no item.
- The invoice of a change has no period of its own and the reason `subscription_update`, also the
  final one of a cancellation; sent ones are drafts for an hour, like first invoices. It carries the
  subscription's metadata as the same request has changed them.
- Discounts show in the amount of a proration; its `discount_amounts` stay empty.
- An advance of a test clock is answered before anything happened; a tick later it has arrived.
- An item added in mid-cycle shows the cycle's period; its price decides the length.
- The items of a phase are those of the phase before where prices are the same. An invoice that a
  phase makes inside a period is a draft for an hour, however it is collected.
- The words of messages, and the header `Idempotent-Replayed`, are not promised by any page.

Assumed of payments, credits and balances:

- A payment out of band counts in `amount_paid` and `amount_paid_off_stripe`; it has no payment
  record, and the payment that was expected is cancelled. A record of one that is attached counts
  there too, at once; it is of the invoice's customer, of one invoice, and no more than remains.
- Partial payments "aren't supported" for subscription invoices that are charged automatically
  (docs.stripe.com/invoicing/partial-payments): a record is refused there; a payment intent, which
  that page does not name, is taken.
- A total below zero is an `applied_to_invoice` transaction. A balance that comes with a customer
  without a currency is in the account's, which is that of its country or the euro.
- Every currency settles in itself, so its own minimum charge applies. What a credit note leaves
  below the minimum is neither charged by itself nor taken to the balance.
- Retries come 3, 5 and 7 days after each failure unless the account is configured otherwise; after
  the last one the subscription stays past due and the invoice open. One-off invoices are retried
  like those of subscriptions; the first invoice of a subscription is not.
- Without any payment method an attempt fails and counts. A sent invoice that is overdue makes its
  subscription past due; no later deadline ends it.
- A deleted draft's items are pending again. Lines added to a draft stand before the others.
- Tax and discount of a part of a line are in proportion to its amount, rounded on what is credited
  so far; the note that credits the last of an invoice takes what is left of its tax.
- An amount alone is credited when it is all that is left, or when there is but one untaxed line.
- Of several charges of an invoice, a refund by credit note goes to the newest that can bear it.
- A charge is available at the begin of the UTC day so many days after its own, weekends too; a
  refund at once. A payout of the schedule is made at midnight of all that is available in a
  currency, where that is above nought; it arrives a day later, and an hour after that what is in it
  can be listed. What came back from the bank goes out with the next one.
- A disputed charge is taken back as soon as anybody asks, in full, with a fee that is kept; an hour
  after its evidence was submitted it is decided. A charge can be disputed once.
- Fees are those of one price for cards; a currency is never converted for a payout.

Missing on purpose: classic billing mode, pending updates, prebilling, trial offers, trials of
phases, changing a subscription that a schedule manages or what its current phase bills, another
interval for an item without a reset of the anchor, pausing metered items, a failed payment of a
resumption, cards that ask for authentication, voiding invoices that are credited or paid in part,
payments of more than remains, invoice revisions, cash balances, cancelling and reversing payouts,
instant ones, inquiries and appeals, evidence as files, previews of an existing schedule, of a
pause, of a resumption and of invoice items alone, rate limits other than by a fault.
"""
