import cron from "node-cron";

/** The sweep of each minute: a net under everything that is usually told at once. It starts no work, it only rings. */
export function createMinute(onMinute: () => void) {
  let task: ReturnType<typeof cron.schedule> | undefined;
  return {
    name: "minute's sweep",
    async start() {
      task = cron.schedule("* * * * *", onMinute, { name: "minute", noOverlap: true });
    },
    async stop() {
      await task?.destroy();
      task = undefined;
    },
  };
}
