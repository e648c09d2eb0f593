// What each judge script shares: its input is one JSON value on stdin, its output one on stdout.
"use strict";

const fs = require("node:fs");

exports.readInput = () => JSON.parse(fs.readFileSync(0, "utf8"));

// Not writeFileSync: a long answer fills the pipe, which then is "temporarily unavailable".
exports.writeOutput = (value) => process.stdout.write(JSON.stringify(value));

// The value of an asynchronous scenario, or its failure with the stack and a non-zero status.
exports.run = (scenario) => {
  scenario(exports.readInput()).then(exports.writeOutput, (error) => {
    fs.writeFileSync(2, `${error.stack || error}\n`);
    process.exitCode = 1;
  });
};
