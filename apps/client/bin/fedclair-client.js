#!/usr/bin/env node
await import("../dist/src/main.js");
