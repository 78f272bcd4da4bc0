import type { Part } from "../kernel/lifecycle.ts";
import type { Stage } from "./stage.ts";

/** Others write often; what they left to us waits so long at most. */
const TOGETHER_MS = 100;

/** Tasks that were submitted to members that do not lead: posted soon after they were written down. */
export function watchSubmissions({ ledger, doors, verbs, onBroken }: Stage): Part {
  let timer: NodeJS.Timeout | undefined;
  const unlisten = ledger.members?.onOthers(() => {
    if (!doors().edge?.isConnected()) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      verbs.queue.finishSubmissions().catch(onBroken);
    }, TOGETHER_MS);
  });
  return {
    name: "submissions of others",
    async stop() {
      unlisten?.();
      clearTimeout(timer);
    },
  };
}
