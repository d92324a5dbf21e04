import { parseArgs } from "node:util";

/**
 * What a script was called with, as `parseArgs` of Node.js gives it. Of what it does not know it says so in a line, and ends the
 * process with 2.
 * @param {import("node:util").ParseArgsConfig & { options: object }} config
 */
export function argumentsOf(config) {
  try {
    return parseArgs(config);
  } catch (error) {
    const [what] = error.message.split(". ");
    const known = Object.keys(config.options).map((name) => `--${name}`);
    console.error(`error: ${what}: expected ${known.join(", ")}`);
    process.exit(2);
  }
}
