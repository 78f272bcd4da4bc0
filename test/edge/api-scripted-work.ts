import type { Verbs } from "../../src/engine/verbs.ts";

/** Work items have no script: whoever needs them uses a real supervisor. */
export function createScriptedWork(): Pick<Verbs, "work" | "pipelines" | "evolve"> {
  const none = new Proxy(
    {},
    { get: (_, name) => () => Promise.reject(new Error(`${String(name)} has no script in this test`)) },
  );
  return {
    work: none as Verbs["work"],
    pipelines: none as Verbs["pipelines"],
    evolve: none as Verbs["evolve"],
  };
}
