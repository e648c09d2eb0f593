// The common scenario as a user of jsforce writes it; salesforce_scenario.py is its twin.
// In: {org: {url, token}, small: {url, token}} (small: an org with few requests a day).
"use strict";

const { Connection } = require("jsforce");
const { run } = require("./stdio.cjs");

const KEY = "Dealthread_Customer_Key__c";

const connect = ({ url, token }) =>
  new Connection({ instanceUrl: url, accessToken: token, version: "66.0" });

async function refusal(promise) {
  try {
    return { unexpected: await promise };
  } catch (error) {
    // Of a 300 jsforce makes an error of its own; the addresses are its data.
    if (error.errorCode === "MULTIPLE_CHOICES") return { code: "300", data: error.data };
    return { code: error.errorCode, data: [error.data] };
  }
}

async function rows(conn, seen) {
  const accounts = conn.sobject("Account");
  seen.created = await accounts.create({ Name: "Harborline", BillingCountry: "US", [KEY]: "K-1" });
  seen.read = await accounts.retrieve(seen.created.id);
  await accounts.update({ Id: seen.created.id, Name: "Harborline LLC", Phone: null });
  seen.renamed = await accounts.retrieve(seen.created.id);
  seen.upsertedNew = await accounts.upsert({ [KEY]: "K-2", Name: "Brookfield GmbH" }, KEY);
  seen.upsertedOld = await accounts.upsert({ [KEY]: "K-2", BillingCountry: "DE" }, KEY);
  seen.upserted = await accounts.retrieve(seen.upsertedNew.id);
  const gone = await accounts.create({ Name: "Gone" });
  await accounts.destroy(gone.id);
  seen.deleted = await refusal(accounts.retrieve(gone.id));
}

async function refusals(conn, seen) {
  const accounts = conn.sobject("Account");
  const contacts = conn.sobject("Contact");
  seen.conflict = await refusal(accounts.create({ Name: "Other", [KEY]: "K-1" }));
  seen.missing = await refusal(accounts.create({ Phone: "1" }));
  seen.unknownField = await refusal(accounts.create({ Name: "x", Nothing__c: 1 }));
  seen.tooLong = await refusal(accounts.create({ Name: "x".repeat(256) }));
  seen.picklist = await refusal(accounts.create({ Name: "x", Dealthread_Tax_Scheme__c: "none" }));
  seen.wrongType = await refusal(accounts.create({ Name: 5 }));
  seen.readOnly = await refusal(accounts.create({ Name: "x", IsDeleted: true }));
  seen.noSuchRow = await refusal(accounts.retrieve("0015i00000ZZZZZAA5"));
  seen.noSuchObject = await refusal(conn.sobject("Nothing__c").create({ Name: "x" }));
  seen.badId = await refusal(accounts.update({ Id: "nonsense", Name: "x" }));
  seen.noParent = await refusal(
    contacts.create({ LastName: "x", AccountId: "0015i00000ZZZZZAA5" }),
  );
  for (const name of ["One", "Two"]) {
    await contacts.create({ LastName: name, Email: "same@harborline.example" });
  }
  seen.several = await refusal(
    contacts.upsert({ Email: "same@harborline.example", LastName: "x" }, "Email"),
  );
  seen.badSession = await refusal(
    connect({ url: conn.instanceUrl, token: "00D5i0000000001!wrong" }).sobject("Account").retrieve("x"),
  );
}

async function several(conn, seen) {
  const accounts = conn.sobject("Account");
  const mixed = [{ Name: "Several 1" }, { [KEY]: "K-1", Name: "Twin" }, { Name: "Several 2" }];
  seen.someCreated = await accounts.create(mixed);
  seen.noneCreated = await accounts.create(mixed, { allOrNone: true });
  seen.someUpserted = await accounts.upsert(
    [{ [KEY]: "K-2", Phone: "2" }, { [KEY]: "K-3", Name: "Several 3" }, { [KEY]: "K-4" }],
    KEY,
  );
  seen.someUpdated = await accounts.update([
    { Id: seen.someCreated[0].id, Phone: "1" },
    { Id: "0015i00000ZZZZZAA5", Phone: "1" },
  ]);
  seen.someDeleted = await accounts.destroy([seen.someCreated[2].id, "0015i00000ZZZZZAA5"]);
}

// jsforce has no composite call of its own; its request() takes any resource.
async function composite(conn, seen) {
  const base = "/services/data/v66.0";
  const parts = (stage) => [
    { method: "PATCH", url: `${base}/sobjects/Account/${KEY}/K-9`, referenceId: "customer", body: { Name: "Composite Ltd" } },
    {
      method: "POST",
      url: `${base}/sobjects/Opportunity`,
      referenceId: "deal",
      body: { AccountId: "@{customer.id}", Name: "Deal", StageName: stage, CloseDate: "2026-06-30", Amount: 120.5 },
    },
    { method: "GET", url: `${base}/sobjects/Opportunity/@{deal.id}?fields=Name,Amount`, referenceId: "read" },
  ];
  const send = (stage) =>
    conn.requestPost("/composite", { allOrNone: true, compositeRequest: parts(stage) });
  seen.compositeRefused = await send("No such stage");
  seen.compositeDone = await send("Prospecting");
  const account = seen.compositeDone.compositeResponse[0].body.id;
  await conn.sobject("Opportunity").create([
    { AccountId: account, Name: "Small", StageName: "Prospecting", CloseDate: "2026-12-31", Amount: 10 },
    { AccountId: account, Name: "Won", StageName: "Closed Won", CloseDate: "2026-05-01", Amount: 99.99 },
    { AccountId: account, Name: "No amount", StageName: "Prospecting", CloseDate: "2027-01-31" },
  ]);
}

async function queries(conn, seen) {
  seen.relationships = await conn.query(
    "SELECT Name, Parent.Name, (SELECT Name, Amount, Account.Name FROM Opportunities" +
      ` ORDER BY Amount DESC NULLS LAST), (SELECT Id FROM Contacts) FROM Account WHERE ${KEY} = 'K-9'`,
  );
  seen.groups = await conn.query(
    "SELECT StageName, COUNT(Id) number, SUM(Amount) FROM Opportunity GROUP BY StageName",
  );
  seen.count = await conn.query("SELECT COUNT() FROM Account");
  seen.nothing = await conn.query("SELECT Id FROM Account WHERE Name = 'O\\'Hara'");
  seen.firstPage = await conn.query("SELECT Name FROM Account ORDER BY Name");
  seen.secondPage = await conn.queryMore(seen.firstPage.nextRecordsUrl);
  // jsforce puts the org's address in front; simple-salesforce shows what was sent.
  seen.firstPage.nextRecordsUrl = seen.firstPage.nextRecordsUrl.replace(conn.instanceUrl, "");
  seen.allPages = (
    await conn.query("SELECT Name FROM Account ORDER BY Name", { autoFetch: true })
  ).records.map((one) => one.Name);
  seen.withDeleted = (
    await conn.query("SELECT Name FROM Account WHERE IsDeleted = true", { scanAll: true })
  ).records.map((one) => one.Name);
  seen.malformed = await refusal(conn.query("SELECT Id FROM Account WHERE"));
  seen.noColumn = await refusal(conn.query("SELECT Nothing__c FROM Account"));
  seen.noObject = await refusal(conn.query("SELECT Id FROM Nothing__c"));
  seen.badLocator = await refusal(conn.queryMore("01g000000000000AAA-3"));
}

// Another's change in between, and a row that is there already.
async function conflicts(conn, seen) {
  const accounts = conn.sobject("Account");
  const { id } = await accounts.create({ Name: "Contested", Website: "https://contested.example" });
  const send = (method, url, body, headers) =>
    conn.request({
      method,
      url,
      body: JSON.stringify(body),
      headers: { "content-type": "application/json", ...headers },
    });
  const change = (tag) => send("PATCH", `/sobjects/Account/${id}`, { Phone: "1" }, { "If-Match": tag });
  seen.stale = await refusal(change('"not the tag of the row"'));
  await change("*");
  const twin = { Name: "Twin", Website: "https://contested.example" };
  seen.duplicate = await refusal(accounts.create(twin));
  seen.insisted = await send("POST", "/sobjects/Account", twin, {
    "Sforce-Duplicate-Rule-Header": "allowSave=true",
  });
  const deals = conn.sobject("Opportunity");
  const late = await deals.create({
    Name: "Late",
    StageName: "Prospecting",
    CloseDate: "2026-06-30",
    Dealthread_Sync_Seq__c: 5,
  });
  seen.late = await refusal(deals.update({ Id: late.id, Dealthread_Sync_Seq__c: 4 }));
}

// Several rows that hang together: tree, graph, batch, and what changed.
async function trees(conn, seen) {
  const node = (type, referenceId, fields) => ({ attributes: { type, referenceId }, ...fields });
  const tree = (email) =>
    conn.requestPost("/composite/tree/Account", {
      records: [
        node("Account", "root", {
          Name: "Tree",
          Contacts: { records: [node("Contact", "child", { LastName: "Leaf", Email: email })] },
        }),
      ],
    });
  seen.tree = await tree("leaf@tree.example");
  try {
    seen.treeRefused = { unexpected: await tree("no address") };
  } catch (error) {
    // The body has no message of its own, so jsforce hands on its text.
    seen.treeRefused = JSON.parse(error.data.message);
  }
  const account = (referenceId, body) => ({
    method: "POST",
    url: "/services/data/v66.0/sobjects/Account",
    referenceId,
    body,
  });
  seen.graphs = await conn.requestPost("/composite/graph", {
    graphs: [
      { graphId: "good", compositeRequest: [account("a", { Name: "Graph" })] },
      { graphId: "bad", compositeRequest: [account("a", { Name: "x" }), account("b", { Phone: "1" })] },
    ],
  });
  seen.batch = await conn.requestPost("/composite/batch", {
    batchRequests: [
      { method: "POST", url: "v66.0/sobjects/Account", richInput: { Name: "Batch" } },
      { method: "GET", url: "v66.0/sobjects/Account/nonsense" },
    ],
  });
  const [start, end] = ["2026-03-02T08:00:00+00:00", "2026-03-02T10:00:00+00:00"];
  seen.changed = await conn.sobject("Contact").updated(start, end);
  seen.gone = await conn.sobject("Account").deleted(start, end);
}

async function groups(conn, seen) {
  seen.having = await conn.query(
    "SELECT StageName stage, AVG(Amount) mean, MAX(CloseDate) FROM Opportunity" +
      " GROUP BY StageName HAVING COUNT(Id) > 1 ORDER BY COUNT(Id) DESC",
  );
  seen.everyField = await conn.query("SELECT FIELDS(ALL) FROM Contact ORDER BY LastName LIMIT 2");
  seen.thisYear = await conn.query("SELECT COUNT() FROM Opportunity WHERE CloseDate = THIS_YEAR");
}

async function platform(conn, small, seen) {
  seen.describe = await conn.sobject("Account").describe();
  seen.describeGlobal = await conn.describeGlobal();
  seen.limits = await conn.limits();
  seen.apiUsage = conn.limitInfo.apiUsage;
  for (let call = 0; call < 2; call += 1) await small.limits();
  seen.quota = await refusal(small.limits());
}

run(async (input) => {
  const conn = connect(input.org);
  const seen = {};
  await rows(conn, seen);
  await refusals(conn, seen);
  await several(conn, seen);
  await composite(conn, seen);
  await queries(conn, seen);
  await conflicts(conn, seen);
  await trees(conn, seen);
  await groups(conn, seen);
  await platform(conn, connect(input.small), seen);
  return seen;
});
