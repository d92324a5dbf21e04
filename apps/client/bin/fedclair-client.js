#!/usr/bin/env node
import module from "node:module";

module.enableCompileCache?.(); // from Node.js 22 on: what was compiled once is read from the disk
await import("../dist/src/main.js");
