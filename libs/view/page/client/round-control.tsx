import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

/** Milliseconds for all rounds together, and for one round at least and at most. */
const [whole, shortest, longest] = [20_000, 120, 900];

/**
 * A slider over rounds, with a button that plays them one after another. Nothing moves before the
 * reader asks for it.
 */
export function RoundControl({
  rounds,
  total,
  at,
  onRound,
}: {
  /** The rounds that can be shown. */
  readonly rounds: readonly number[];
  readonly total: number;
  /** The position of the shown round. */
  readonly at: number;
  readonly onRound: (at: number) => void;
}) {
  const isPlaying = useSignal(false);
  const last = rounds.length - 1;
  const isRunning = isPlaying.value && at < last;
  useEffect(() => {
    if (!isRunning) {
      isPlaying.value = false;
      return undefined;
    }
    const pause = Math.min(longest, Math.max(shortest, whole / rounds.length));
    const timer = setTimeout(() => {
      onRound(at + 1);
    }, pause);
    return () => {
      clearTimeout(timer);
    };
  }, [isRunning, at]);
  const play = () => {
    isPlaying.value = !isRunning;
    if (!isRunning && at === last) onRound(0);
  };
  return (
    <div class="player">
      <button type="button" disabled={last < 1} onClick={play}>
        {isRunning ? "Pause" : "Play"}
      </button>
      <label class="slider">
        Round {rounds[at] ?? "–"} of {total}
        <input
          type="range"
          min={0}
          max={Math.max(0, last)}
          value={at}
          aria-valuetext={`round ${rounds[at] ?? "–"}`}
          onInput={(event) => {
            isPlaying.value = false;
            onRound(Number(event.currentTarget.value));
          }}
        />
      </label>
    </div>
  );
}
