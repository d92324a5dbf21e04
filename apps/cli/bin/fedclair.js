#!/usr/bin/env node
import module from "node:module";

module.enableCompileCache?.(); // from Node.js 22 on: caches compiled code on disk
try {
  await import("../dist/src/main.js");
} catch (error) {
  if (error?.code !== "ERR_MODULE_NOT_FOUND") throw error;
  console.error(`error: fedclair is not built (${error.message}); run: npm run build`);
  process.exitCode = 1;
}
