/** Hands an event to the program, and resolves when the program is ready for the next one. */
export type Emit<E> = (event: E) => Promise<void>;

/** Work that reports events. It ends early with the signal's reason if the signal aborts. */
type Work<E, R> = (emit: Emit<E>, signal: AbortSignal) => Promise<R>;

/**
 * Work that begins when it is awaited for its result, or looped over for its events. The work waits
 * for the body of the loop. Leaving the loop early stops the work, as an aborted signal does.
 */
export class Running<E, R> implements AsyncIterable<E>, PromiseLike<R> {
  readonly #work: Work<E, R>;
  readonly #signals: readonly AbortSignal[];
  #result: Promise<R> | undefined;

  /** @param signal stops the work when it aborts */
  constructor(work: Work<E, R>, signal?: AbortSignal) {
    this.#work = work;
    this.#signals = signal ? [signal] : [];
  }

  then<A = R, B = never>(
    onResult?: ((result: R) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#result ??= this.#start(() => Promise.resolve());
    return this.#result.then(onResult, onError);
  }

  /** @throws Error if the work has begun already, so that its first events are gone */
  async *[Symbol.asyncIterator](): AsyncGenerator<E, void, undefined> {
    if (this.#result)
      throw new Error("its events can be read once: begin the loop before you await the result");
    /** Events that wait for the program, each with what tells the work that it was taken. */
    const offers: { readonly event: E; readonly take: () => void }[] = [];
    const leaving = new AbortController();
    const over = new AbortController();
    let wake = (): void => undefined;
    const emit = (event: E) =>
      new Promise<void>((take) => {
        if (leaving.signal.aborted) take();
        else offers.push({ event, take });
        wake();
      });
    const result = (this.#result = this.#start(emit, leaving.signal));
    const end = () => {
      over.abort();
      wake();
    };
    void result.then(end, end);
    try {
      for (;;) {
        const [offer] = offers;
        if (offer) {
          yield offer.event;
          offer.take();
          offers.shift();
        } else if (over.signal.aborted) break;
        else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
      await result;
    } finally {
      leaving.abort();
      for (const { take } of offers) take();
      await result.catch(() => undefined); // the work has ended when the loop has
    }
  }

  #start(emit: Emit<E>, ...signals: readonly AbortSignal[]): Promise<R> {
    return this.#work(emit, AbortSignal.any([...this.#signals, ...signals]));
  }
}
