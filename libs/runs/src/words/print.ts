const write = process.stdout.write.bind(process.stdout);

/** Writes a part of the command's answer to stdout. */
export function print(text: string): void {
  write(text);
}

/**
 * Reserves stdout for `print`. From now on, the output of plug-ins and libraries goes to stderr.
 */
export function reserveStdout(): void {
  process.stdout.write = process.stderr.write.bind(process.stderr);
}
