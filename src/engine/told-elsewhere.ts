import { agentStream } from "../domain/agent-state.ts";
import { batchStream } from "../domain/batch-types.ts";
import { sessionStream } from "../domain/session.ts";
import { skillStream } from "../domain/skill.ts";
import { workStream } from "../domain/work-types.ts";
import { Refusal } from "../kernel/refusal.ts";
import type { Ledger, StreamKind } from "./ports/ledger.ts";

type Elsewhere = { readonly is: string; readonly by: (word: string) => string };

/** What has an id and no story of its own, and which command tells of it. */
const ELSEWHERE: Readonly<Partial<Record<StreamKind, Elsewhere>>> = {
  session: {
    is: "a session",
    by: (word) =>
      `\`hq sessions show --id ${word}\` lists its turns; each has a delegation that can be traced.`,
  },
  batch: {
    is: "a batch",
    by: (word) => `\`hq batch status --id ${word}\` says how it stands.`,
  },
  work: {
    is: "a work item",
    by: (word) => `\`hq work show ${word}\` tells all of it.`,
  },
  pipeline: {
    is: "a pipeline by hand",
    by: (word) => `\`hq workflow pipeline ${word}\` says how it stands; its stages are work items.`,
  },
  skill: { is: "a skill", by: (word) => `\`hq work skills ${word}\` shows its contract.` },
  agent: { is: "an agent", by: (word) => `\`hq agents show ${word}\` says how it is.` },
  call: {
    is: "a call of the orchestrator",
    by: () => "`hq status` lists the delegations that it made; trace those.",
  },
};

/** An id that is told of by another command, refused with its name; undefined when nothing is named so. */
export async function toldElsewhere(
  ledger: Pick<Ledger, "load">,
  word: string,
): Promise<Refusal | undefined> {
  const streams = [
    word,
    sessionStream(word),
    batchStream(word),
    workStream(word),
    skillStream(word),
    agentStream(word),
  ];
  for (const stream of streams) {
    const kind = (await ledger.load(stream))?.kind;
    const found = kind && ELSEWHERE[kind];
    // The name of its history in the ledger is told in the word that the command takes.
    if (found) return refusal(found, word, stream === word ? withoutKind(word, kind) : word);
  }
  // A stage or step has its item in what it is a part of.
  const owner = /^(.+)-stage-\d+$/.exec(word)?.[1];
  const kind = owner === undefined ? undefined : (await ledger.load(owner))?.kind;
  const isItem = kind === "run" || kind === "pipeline";
  return isItem && ELSEWHERE.work ? refusal(ELSEWHERE.work, word) : undefined;
}

function withoutKind(stream: string, kind: StreamKind): string {
  return stream.startsWith(`${kind}-`) ? stream.slice(kind.length + 1) : stream;
}

function refusal({ is, by }: Elsewhere, word: string, name = word): Refusal {
  return new Refusal("not_found", `${word} is ${is}, which has no trace.`, { hint: by(name) });
}
