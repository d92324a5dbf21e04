import { parseArgs } from "node:util";

/**
 * Parses a script's arguments by `parseArgs` of Node.js. For an unknown option it prints one line
 * with the known ones and exits with 2.
 * @param {import("node:util").ParseArgsConfig & { options: object }} config
 */
export function parseArguments(config) {
  try {
    return parseArgs(config);
  } catch (error) {
    const [problem] = error.message.split(". ");
    const names = Object.keys(config.options).map((name) => `--${name}`);
    console.error(`error: ${problem}: expected ${names.join(", ")}`);
    process.exit(2);
  }
}
