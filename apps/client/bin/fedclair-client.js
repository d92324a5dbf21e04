#!/usr/bin/env node
import module from "node:module";

module.enableCompileCache?.(); // from Node.js 22 on: caches compiled code on disk
await import("../dist/src/main.js");
