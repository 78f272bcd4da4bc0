/** Whatever starts can be stopped: twice, and before it started. */
export type Part = {
  readonly name: string;
  readonly start?: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

/**
 * Starts parts one by one and stops those that started in the opposite order.
 * `warn` is told what did not stop after a start that failed: why that failed is what is thrown.
 */
export function createLifecycle(warn: (error: unknown) => void) {
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

  return {
    /** Starts a part; when that fails it is stopped at once and that error thrown. */
    async add(part: Part): Promise<void> {
      if (stopping) throw new Error(`${part.name} was to start while everything stops`);
      try {
        await part.start?.();
        running.push(part);
      } catch (error) {
        await part.stop().catch(warn);
        throw error;
      }
    },
    stop(): Promise<void> {
      stopping ??= stopAll();
      return stopping;
    },
  };
}
