#!/usr/bin/env node
'use strict';
// Plain old JavaScript on purpose: an older Node must be able to read this far to say what is needed.
var major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  process.stderr.write(
    'reconcile needs Node.js 24 or later, this is ' +
      process.versions.node +
      '\n' +
      '  = install a newer Node.js, or add it to the project: npm install --save-dev node@26\n',
  );
  process.exitCode = 1;
} else {
  require('node:module').enableCompileCache();
  require('../dist/bin.cjs');
}
