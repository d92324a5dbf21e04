// npm run publish:pypi: builds the wheel, checks it by twine, and uploads it to PyPI. With
// --dry-run it uploads nothing, and skips with a message if there is no Python or no package index.
// In a workflow that may sign (id-token), it takes no password, and the wheel gets an attestation.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { parseArguments } from "./arguments.js";
import { exitSkipped } from "./package-index.js";
import { Fault, pythonIn } from "./python-folder.js";
import { buildWheel } from "./wheel.js";

const workspace = resolve(import.meta.dirname, "..");
const packages = ["twine>=6.1,<8", "pypi-attestations>=0.0.28,<0.1"];

/** Publishes the wheel. @param {boolean} isDry whether it is only built and checked */
async function publish(isDry) {
  const wheel = await buildWheel();
  const folder = join(workspace, ".python", "publish");
  const python = await pythonIn(folder, { wanted: packages.join(), oldest: "3.11", packages });
  await run(python, ["-m", "twine", "check", "--strict", wheel]);
  if (isDry) {
    console.log(`${wheel}: ready to publish`);
    return;
  }
  const isSigned = process.env.ACTIONS_ID_TOKEN_REQUEST_URL !== undefined;
  if (isSigned) await run(python, ["-m", "pypi_attestations", "sign", wheel]);
  await run(python, ["-m", "twine", "upload", ...(isSigned ? ["--attestations"] : []), wheel]);
}

async function run(program, args) {
  const child = spawn(program, args, { stdio: "inherit" });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Fault(`${args.slice(1, 3).join(" ")} ended with ${code}`, 1);
}

const { values } = parseArguments({ options: { "dry-run": { type: "boolean", default: false } } });
try {
  await publish(values["dry-run"]);
} catch (error) {
  if (!(error instanceof Fault)) throw error;
  const isSkipped = error.exitCode === exitSkipped && values["dry-run"];
  console.error(`publish:pypi${isSkipped ? " skipped" : ""}: ${error.message}`);
  process.exitCode = isSkipped ? 0 : error.exitCode;
}
