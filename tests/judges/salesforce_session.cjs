// jsforce opens its own session (client credentials) and renews it when the org has ended it.
// In: {url, client: {id, secret}, otherSecret}. Out: what happened.
"use strict";

const { Connection } = require("jsforce");
const { run } = require("./stdio.cjs");

run(async ({ url, client, otherSecret }) => {
  let renewals = 0;
  const oauth2 = { loginUrl: url, clientId: client.id, clientSecret: client.secret };
  const conn = new Connection({
    oauth2,
    version: "66.0",
    refreshFn: async (connection, callback) => {
      renewals += 1;
      const granted = await connection.oauth2.requestToken({ grant_type: "client_credentials" });
      callback(null, granted.access_token);
    },
  });
  const user = await conn.authorize({ grant_type: "client_credentials" });
  const created = await conn.sobject("Account").create({ Name: "Before" });
  await fetch(`${url}/_sim/sessions`, { method: "DELETE" });
  const read = await conn.sobject("Account").retrieve(created.id);

  const wrong = new Connection({ oauth2: { ...oauth2, clientSecret: otherSecret } });
  let refused = null;
  try {
    await wrong.authorize({ grant_type: "client_credentials" });
  } catch (error) {
    refused = error.name;
  }
  return { user, instanceUrl: conn.instanceUrl, renewals, name: read.Name, refused };
});
