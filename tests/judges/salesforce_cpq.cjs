// jsforce sells, contracts and amends a subscription in an org with CPQ.
// In: {org: {url, token}, delay: seconds that background work takes}. Out: what happened.
"use strict";

const { Connection } = require("jsforce");
const { run } = require("./stdio.cjs");

run(async ({ org, delay }) => {
  const conn = new Connection({ instanceUrl: org.url, accessToken: org.token, version: "66.0" });
  const create = async (name, row) => (await conn.sobject(name).create(row)).id;
  const update = (name, row) => conn.sobject(name).update(row);
  const query = async (soql) => (await conn.query(soql)).records;
  const wait = async () => {
    const body = JSON.stringify({ advance_seconds: delay });
    const headers = { "content-type": "application/json" };
    await fetch(`${org.url}/_sim/clock`, { method: "POST", headers, body });
  };

  const [book] = await query("SELECT Id FROM Pricebook2 WHERE IsStandard = TRUE");
  const account = await create("Account", { Name: "Harborline" });
  const product = await create("Product2", {
    Name: "Seat",
    IsActive: true,
    SBQQ__SubscriptionPricing__c: "Fixed Price",
    SBQQ__SubscriptionTerm__c: 12,
  });
  await create("PricebookEntry", {
    Pricebook2Id: book.Id,
    Product2Id: product,
    UnitPrice: 120,
    IsActive: true,
  });
  const deal = await create("Opportunity", {
    Name: "Deal",
    AccountId: account,
    StageName: "Closed Won",
    CloseDate: "2026-03-01",
    Pricebook2Id: book.Id,
  });
  const quote = await create("SBQQ__Quote__c", {
    SBQQ__Opportunity2__c: deal,
    SBQQ__StartDate__c: "2026-04-01",
    SBQQ__SubscriptionTerm__c: 12,
  });
  await create("SBQQ__QuoteLine__c", {
    SBQQ__Quote__c: quote,
    SBQQ__Product__c: product,
    SBQQ__Quantity__c: 10,
  });

  async function sell(quoteId) {
    await update("SBQQ__Quote__c", { Id: quoteId, SBQQ__Primary__c: true });
    await update("SBQQ__Quote__c", { Id: quoteId, SBQQ__Ordered__c: true });
    await wait();
    const [order] = await query(`SELECT Id FROM Order WHERE SBQQ__Quote__c = '${quoteId}'`);
    await update("Order", { Id: order.Id, Status: "Activated" });
    await update("Order", { Id: order.Id, SBQQ__Contracted__c: true });
    await wait();
    return order.Id;
  }

  await sell(quote);
  const { Amount: amount } = await conn.sobject("Opportunity").retrieve(deal);
  const [contract] = await query("SELECT Id, EndDate FROM Contract");
  await update("Contract", {
    Id: contract.Id,
    SBQQ__AmendmentStartDate__c: "2026-10-01",
  });
  await update("Contract", { Id: contract.Id, Status: "Activated" });
  const loader = "SBQQ.ContractManipulationAPI.ContractAmender";
  const told = await conn.apex.patch(`/SBQQ/ServiceRouter?loader=${loader}&uid=${contract.Id}`, {});
  const model = JSON.parse(told);
  await update("SBQQ__QuoteLine__c", {
    Id: model.lineItems[0].record.Id,
    SBQQ__Quantity__c: 4,
  });
  const order = await sell(model.record.Id);
  const [{ OrderItems: items }] = await query(
    "SELECT Id, (SELECT Quantity, SBQQ__ContractAction__c FROM OrderItems)" +
      ` FROM Order WHERE Id = '${order}'`,
  );
  const [{ SBQQ__Subscriptions__r: rows }] = await query(
    "SELECT Id, (SELECT SBQQ__Quantity__c, SBQQ__StartDate__c, SBQQ__EndDate__c" +
      " FROM SBQQ__Subscriptions__r ORDER BY Id) FROM Contract",
  );
  let refused = null;
  try {
    await conn.apex.get("/SBQQ/ServiceRouter?reader=SBQQ.QuoteAPI.QuoteReader&uid=x");
  } catch (error) {
    refused = error.errorCode;
  }
  return {
    amount,
    endDate: contract.EndDate,
    action: items.records.map((one) => [one.Quantity, one.SBQQ__ContractAction__c]),
    subscriptions: rows.records.map((one) => [
      one.SBQQ__Quantity__c,
      one.SBQQ__StartDate__c,
      one.SBQQ__EndDate__c,
    ]),
    refused,
  };
});
