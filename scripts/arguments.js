import { parseArgs } from "node:util";

/**
 * Parses a script's arguments by `parseArgs` of Node.js. For an unknown option it prints one line
 * with the known ones and exits with 2; for `--help` it lists them and exits with 0.
 * @template {import("node:util").ParseArgsConfig & { options: object }} T
 * @param {T} config
 * @returns {ReturnType<typeof parseArgs<T>>}
 */
export function parseArguments(config) {
  if (process.argv.slice(2).includes("--help")) {
    for (const [name, option] of Object.entries(config.options)) {
      const value = option.type === "string" ? " <value>" : "";
      const ending = option.default === undefined ? "" : `  default: ${String(option.default)}`;
      console.log(`  --${name}${value}${ending}`);
    }
    process.exit(0);
  }
  try {
    return parseArgs(config);
  } catch (error) {
    const [problem] = error.message.split(". ");
    const names = Object.keys(config.options).map((name) => `--${name}`);
    console.error(`error: ${problem}: expected ${names.join(", ")}`);
    process.exit(2);
  }
}
