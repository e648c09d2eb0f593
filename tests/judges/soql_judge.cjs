// Asks soql-parser-js whether it accepts each query. In: JSON list of texts. Out: JSON list, null
// for an accepted query, else the first line of the parser's complaint.
"use strict";

const { parseQuery } = require("@jetstreamapp/soql-parser-js");
const { readInput, writeOutput } = require("./stdio.cjs");

function verdict(text) {
  try {
    parseQuery(text);
    return null;
  } catch (error) {
    return String(error.message || error.name).split("\n")[0] || "refused";
  }
}

writeOutput(readInput().map(verdict));
