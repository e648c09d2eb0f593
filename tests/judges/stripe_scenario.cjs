// Quote to cash as a user of stripe for Node writes it, with a webhook endpoint of its own.
// In: {url, key}. Out: what each step answered.
"use strict";

const http = require("node:http");
const Stripe = require("stripe");
const { run } = require("./stdio.cjs");

const DEADLINE_MS = 20_000;

function connect(url, key) {
  const { hostname, port } = new URL(url);
  return new Stripe(key, {
    host: hostname,
    port: Number(port),
    protocol: "http",
    maxNetworkRetries: 0,
    telemetry: false,
  });
}

async function refusal(promise) {
  try {
    return { unexpected: await promise };
  } catch (error) {
    const { type, code, param, statusCode, decline_code: decline } = error;
    return { type, code, param, status: statusCode, decline };
  }
}

// Keeps the raw deliveries; Stripe's own library verifies them afterwards.
async function receiver() {
  const got = [];
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      got.push({
        body: Buffer.concat(chunks),
        signature: request.headers["stripe-signature"],
      });
      response.end();
    });
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { got, url: `http://127.0.0.1:${server.address().port}/hook`, close };
}

async function until(condition, what) {
  const deadline = Date.now() + DEADLINE_MS;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`it did not happen in time: ${what()}`);
    await new Promise((next) => setTimeout(next, 10));
  }
}

async function idempotency(stripe, seen) {
  const given = { name: "Harborline LLC", metadata: { account_key: "K1" } };
  const key = { idempotencyKey: "deal-1/customer" };
  const first = await stripe.customers.create(given, key);
  const again = await stripe.customers.create(given, key);
  seen.sameCustomer = first.id === again.id;
  seen.echoedKey = again.lastResponse.idempotencyKey;
  seen.customerCount = (await stripe.customers.list()).data.length;
  seen.otherParameters = await refusal(stripe.customers.create({ name: "Other" }, key));
  seen.otherEndpoint = await refusal(stripe.products.create({ name: "Other" }, key));
  // The order of parameters does not count.
  const { metadata, name } = given;
  seen.otherOrder = (await stripe.customers.create({ metadata, name }, key)).id === first.id;
  return first.id;
}

async function byInvoice(stripe, customer, seen) {
  const seats = await stripe.products.create({ id: "seat", name: "Seat" });
  const vat = await stripe.taxRates.create({
    display_name: "VAT",
    percentage: 19,
    inclusive: false,
  });
  const subscription = await stripe.subscriptions.create(
    {
      customer,
      collection_method: "send_invoice",
      days_until_due: 30,
      items: [
        {
          quantity: 40,
          tax_rates: [vat.id],
          price_data: {
            currency: "eur",
            product: seats.id,
            unit_amount: 44400,
            recurring: { interval: "year" },
          },
        },
      ],
      expand: ["latest_invoice"],
    },
    { idempotencyKey: "deal-1/subscription" },
  );
  const [item] = subscription.items.data;
  seen.subscription = {
    status: subscription.status,
    quantity: item.quantity,
    price: [item.price.unit_amount, item.price.currency, item.price.recurring.interval],
    product: item.price.product,
  };
  const facts = ({ status, number, subtotal, total, amount_due: due, lines }) => ({
    status,
    number,
    subtotal,
    total,
    due,
    lines: lines.data.map((line) => [line.quantity, line.amount]),
  });
  const draft = subscription.latest_invoice;
  seen.draft = facts(draft);
  seen.deletion = await refusal(stripe.invoices.del(draft.id));
  const open = await stripe.invoices.finalizeInvoice(draft.id);
  seen.open = facts(open);
  seen.daysUntilDue = (open.due_date - open.status_transitions.finalized_at) / 86_400;
  seen.finalisedTwice = await refusal(stripe.invoices.finalizeInvoice(draft.id));
  seen.lines = (await stripe.invoices.listLineItems(draft.id)).data.length;
  seen.voided = (await stripe.invoices.voidInvoice(draft.id)).status;
  seen.cancelled = (await stripe.subscriptions.cancel(subscription.id)).status;
}

async function byCard(stripe, seen) {
  const subscribe = async (method) => {
    const { id: customer } = await stripe.customers.create({ name: method });
    const card = await stripe.paymentMethods.attach(method, { customer });
    await stripe.customers.update(customer, {
      invoice_settings: { default_payment_method: card.id },
    });
    const recurring = { interval: "month" };
    const priceData = { currency: "usd", product: "seat", unit_amount: 27000, recurring };
    return stripe.subscriptions.create({
      customer,
      items: [{ price_data: priceData, quantity: 5 }],
      payment_behavior: "error_if_incomplete",
      expand: ["latest_invoice"],
    });
  };
  const paid = await subscribe("pm_card_visa");
  seen.paid = [paid.status, paid.latest_invoice.status, paid.latest_invoice.amount_paid];
  const credit = { invoice: paid.latest_invoice.id, amount: 135000 };
  seen.creditOfNothing = await refusal(stripe.creditNotes.create(credit));
  const note = await stripe.creditNotes.create({ ...credit, credit_amount: 135000 });
  seen.credited = [note.status, note.total];
  seen.declined = await refusal(subscribe("pm_card_chargeCustomerFail"));
}

async function pages(stripe, seen) {
  const made = [];
  for (let number = 0; number < 12; number += 1) {
    made.unshift((await stripe.products.create({ id: `page_${number}`, name: `P${number}` })).id);
  }
  const first = await stripe.products.list({ limit: 5 });
  const last = first.data.at(-1).id;
  const second = await stripe.products.list({ limit: 5, starting_after: last });
  const back = await stripe.products.list({ limit: 5, ending_before: second.data[0].id });
  seen.pages = [first, second, back].map((page) => [page.data.length, page.has_more]);
  seen.pagesMeet =
    JSON.stringify([...first.data, ...second.data].map((one) => one.id)) ===
      JSON.stringify(made.slice(0, 10)) && back.data[0].id === first.data[0].id;
  const all = await stripe.products.list({ limit: 5 }).autoPagingToArray({ limit: 100 });
  seen.allPages = [all.length, new Set(all.map((one) => one.id)).size];
  seen.badCursor = await refusal(stripe.products.list({ starting_after: "prod_none" }));
  const found = await stripe.customers.search({ query: "metadata['account_key']:'K1'" });
  seen.found = found.data.map((one) => one.name);
}

async function refusals(stripe, stranger, seen) {
  seen.noSuchCustomer = await refusal(stripe.customers.retrieve("cus_none"));
  seen.noSuchInParameter = await refusal(
    stripe.subscriptions.create({ customer: "cus_none", items: [{ price: "price_none" }] }),
  );
  seen.unknownParameter = await refusal(stripe.customers.create({ nonsense: "x" }));
  seen.missingParameter = await refusal(stripe.products.create({}));
  seen.badKey = await refusal(stranger.customers.list());
}

async function webhooks(stripe, hook, endpoint, seen) {
  const verify = ({ body, signature }) =>
    stripe.webhooks.constructEvent(body, signature, endpoint.secret);
  const kinds = () => new Set(hook.got.map((one) => verify(one).type));
  const wanted = [
    "customer.created",
    "customer.subscription.created",
    "customer.subscription.deleted",
    "invoice.created",
    "invoice.finalized",
    "invoice.paid",
    "invoice.voided",
    "credit_note.created",
  ];
  await until(
    () => wanted.every((kind) => kinds().has(kind)),
    () => wanted.filter((kind) => !kinds().has(kind)).join(", "),
  );
  const [one] = hook.got;
  const refused = (body, secret) => {
    try {
      stripe.webhooks.constructEvent(body, one.signature, secret);
      return null;
    } catch (error) {
      return error.type;
    }
  };
  seen.changedBody = refused(`${one.body} `, endpoint.secret);
  seen.wrongSecret = refused(one.body, "whsec_another");
  const event = verify(hook.got.find((each) => verify(each).type === "invoice.paid"));
  const kept = await stripe.events.retrieve(event.id);
  seen.sameEvent = kept.data.object.id === event.data.object.id;
  seen.eventVersion = event.api_version;
}

run(async ({ url, key }) => {
  const stripe = connect(url, key);
  const hook = await receiver();
  const seen = {};
  try {
    const endpoint = await stripe.webhookEndpoints.create({ url: hook.url, enabled_events: ["*"] });
    const customer = await idempotency(stripe, seen);
    await byInvoice(stripe, customer, seen);
    await byCard(stripe, seen);
    await pages(stripe, seen);
    await refusals(stripe, connect(url, "sk_test_of_nobody_here"), seen);
    await webhooks(stripe, hook, endpoint, seen);
    seen.endpointDeleted = (await stripe.webhookEndpoints.del(endpoint.id)).deleted;
  } finally {
    hook.close();
  }
  return { version: Stripe.API_VERSION, ...seen };
});
