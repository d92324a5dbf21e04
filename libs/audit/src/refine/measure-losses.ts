import { oneLine } from "@fedclair/core/internal";
import { item } from "@fedclair/linalg";
import { atATime } from "@fedclair/runs";
import { evaluate, type EvaluateCommand } from "./evaluate-command.js";

export interface MeasureOptions {
  readonly command: EvaluateCommand;
  /** How long the command may take for one adapter. */
  readonly timeoutSeconds: number;
  /** How many commands run at a time. */
  readonly jobs: number;
  /** Ends the commands when it aborts. */
  readonly signal: AbortSignal;
  /** Called before the first command and after each. */
  readonly onProgress?: (done: number, all: number) => void;
}

/** The losses of the candidates of one adapter. */
export interface Measured<Kind extends string> {
  readonly name: string;
  /** Losses by candidate; null if a loss is not finite. */
  readonly losses: Readonly<Record<Kind, number | null>>;
  /** The candidate with the lowest loss. */
  readonly chosen: Kind;
}

/**
 * Measures all candidates of all adapters.
 * @param kinds of candidates; of equal losses the first is chosen
 * @param pathOf the folder of a candidate
 * @throws UserError if the command fails for a candidate
 */
export async function measureLosses<Kind extends string, Own extends { readonly name: string }>(
  adapters: readonly Own[],
  kinds: readonly Kind[],
  pathOf: (kind: Kind, adapter: Own) => string,
  { command, timeoutSeconds, jobs, signal, onProgress = () => undefined }: MeasureOptions,
): Promise<Measured<Kind>[]> {
  const failed = new AbortController();
  const limits = { timeoutSeconds, signal: AbortSignal.any([signal, failed.signal]) };
  const trials = adapters.flatMap((adapter) => kinds.map((kind) => ({ adapter, kind })));
  let done = 0;
  onProgress(done, trials.length);
  const running = atATime(
    trials.map(({ adapter, kind }) => async () => {
      const what = `${kind} of '${oneLine(adapter.name)}'`;
      const loss = await evaluate(command, pathOf(kind, adapter), what, limits);
      onProgress(++done, trials.length);
      return loss;
    }),
    jobs,
  );
  try {
    const losses = await Promise.all(running);
    return adapters.map(({ name }, k) => {
      const first = k * kinds.length;
      return choose(name, kinds, losses.slice(first, first + kinds.length));
    });
  } catch (error) {
    failed.abort();
    await Promise.allSettled(running);
    throw error;
  }
}

function choose<Kind extends string>(
  name: string,
  kinds: readonly Kind[],
  losses: readonly number[],
): Measured<Kind> {
  const byKind = kinds.map((kind, i) => {
    const loss = item(losses, i);
    return [kind, Number.isFinite(loss) ? loss : null] as const;
  });
  return {
    name,
    losses: Object.fromEntries(byKind) as Record<Kind, number | null>,
    chosen: item(kinds, losses.indexOf(Math.min(...losses))),
  };
}
