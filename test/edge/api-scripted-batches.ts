import type { BatchVerbs } from "../../src/engine/batch-verbs.ts";

const unasked = () => Promise.reject(new Error("batches have no script: their tests have the engine"));

/** For doors that are asked about other things. */
export const SCRIPTED_BATCHES: BatchVerbs = {
  create: unasked,
  update: unasked,
  status: unasked,
  aggregate: unasked,
  list: unasked,
  resume: unasked,
  accept: unasked,
  cleanup: unasked,
  import: unasked,
};
