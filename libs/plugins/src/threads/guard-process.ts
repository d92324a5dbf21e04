/**
 * Keeps plug-ins in this thread from ending the process, which other clients share: `process.kill`
 * of it, of its parent or of its group throws. `process.exit` ends the thread alone, and
 * `process.abort` throws, as Node.js does it.
 * @param onExit called before code ends the thread
 */
export function guardProcess(onExit: (code: number) => void): void {
  const kill = process.kill.bind(process);
  process.kill = (pid, signal) => {
    const isShared = [process.pid, -process.pid, process.ppid, -process.ppid, 0, -1].includes(pid);
    if (isShared && signal !== 0)
      throw new Error(
        `process.kill(${pid}): a plug-in may not end the process that it runs in, nor the one that started it`,
      );
    return kill(pid, signal);
  };
  // process.exit calls it.
  const own = process as unknown as { reallyExit: (code: number) => void };
  const exit = own.reallyExit.bind(process);
  own.reallyExit = (code) => {
    onExit(code);
    exit(code);
  };
}
