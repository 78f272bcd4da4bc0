/** Whatever starts can be stopped: twice, and before it started. */
export type Part = {
  readonly name: string;
  readonly start?: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

/**
 * Starts parts in order; stops those that started in the opposite order.
 * When one fails to start, the earlier ones are stopped and its error is thrown.
 */
export function createLifecycle(parts: readonly Part[]) {
  const running: Part[] = [];
  let stopping: Promise<void> | undefined;

  async function stopAll(): Promise<void> {
    const failures: unknown[] = [];
    for (let part = running.pop(); part; part = running.pop()) {
      try {
        await part.stop();
      } catch (cause) {
        failures.push(new Error(`${part.name} did not stop`, { cause }));
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, "not everything stopped cleanly");
  }

  const stop = () => {
    stopping ??= stopAll();
    return stopping;
  };

  async function start(): Promise<void> {
    for (const part of parts) {
      if (stopping) return;
      try {
        await part.start?.();
        running.push(part);
      } catch (cause) {
        await stop();
        throw cause;
      }
    }
  }
  return { start, stop };
}
