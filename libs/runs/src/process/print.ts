const write = process.stdout.write.bind(process.stdout);

/** Writes a part of what the command answers to stdout. */
export function print(text: string): void {
  write(text);
}

/** From now on stdout has nothing but what `print` writes: what plug-ins and libraries print goes to stderr. */
export function keepStdoutForAnswers(): void {
  process.stdout.write = process.stderr.write.bind(process.stderr);
}
