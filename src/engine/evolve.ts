import type { Actor } from "../domain/actor.ts";
import type { Registry } from "../domain/agent-card.ts";
import {
  gateFinding,
  healthOf,
  type Proposal,
  proposalText,
  reflectOn,
  repairSlug,
  type SkillHealth,
  sanityOf,
} from "../domain/evolution.ts";
import { POST_HOOKS, type PostHook } from "../domain/pipeline-types.ts";
import { WRITTEN_FILES } from "../domain/proposals.ts";
import { type Evolved, type WorkEvent, type WorkNote, workStream } from "../domain/work-types.ts";
import type { WorkItem } from "../domain/work-view.ts";
import { digestOf } from "../kernel/id.ts";
import { isRefusal, Refusal } from "../kernel/refusal.ts";
import type { Engine } from "./accept.ts";
import { createChangeWork } from "./create-work-verbs.ts";
import {
  createDecideProposals,
  type DecideProposalsDeps,
  lookForOwner,
  writableWorkspace,
} from "./decide-proposals.ts";
import type { Ledger } from "./ports/ledger.ts";
import type { Proposals } from "./ports/proposals.ts";
import type { WorkItems } from "./work-items.ts";
import { permitWork } from "./work-permission.ts";
import type { EvolvedItem, EvolveVerbs } from "./work-verbs.ts";

const SYSTEM = { kind: "system", id: "evolution" } as const;
/** Nobody repairs one skill more often. */
const MOST_REPAIRS = 1000;

export type EvolveDeps = DecideProposalsDeps & {
  readonly engine: Engine;
  readonly ledger: Ledger;
  readonly items: WorkItems;
  readonly registry: () => Registry;
  readonly proposals: Proposals;
  readonly now: () => number;
};

/** What finished work teaches: the output gate, proposals for the files of agents, and the health of skills. */
export function createEvolve(deps: EvolveDeps): EvolveVerbs & {
  readonly perform: ReturnType<typeof createDecideProposals>["perform"];
} {
  const { engine, ledger, items, now } = deps;
  const change = createChangeWork(deps);

  async function run(actor: Actor, options: Parameters<EvolveVerbs["run"]>[1]) {
    const all = await items.all();
    const chosen = options.slug === undefined ? all.filter(isWaiting) : [await one(actor, options.slug)];
    const evolved: EvolvedItem[] = [];
    for (const item of chosen) {
      const isMine = options.slug !== undefined || (await mayWork(actor, item.slug));
      if (isMine) evolved.push(await look(actor, item, { hooks: POST_HOOKS, ...options, all }));
    }
    return evolved;
  }

  async function one(actor: Actor, slug: string): Promise<WorkItem> {
    const found = await items.find(slug);
    permitWork(actor, found, deps.registry());
    const item = await items.viewOf(found);
    if (isOver(item)) return item;
    throw new Refusal(
      "invalid_input",
      `${slug} is ${item.lifecycle.status}: only what is done or has failed is looked at.`,
    );
  }

  async function mayWork(actor: Actor, slug: string): Promise<boolean> {
    try {
      permitWork(actor, await items.find(slug), deps.registry());
      return true;
    } catch (error) {
      if (error instanceof Refusal && error.code === "not_allowed") return false;
      throw error;
    }
  }

  /** The three gates, in order. The note that it was done comes last: after a crash all is done again, to the same end. */
  async function look(
    actor: Actor,
    item: WorkItem,
    about: { readonly all: readonly WorkItem[]; readonly dry: boolean; readonly hooks: readonly PostHook[] },
  ): Promise<EvolvedItem> {
    const { all, dry, hooks } = about;
    const { slug } = item;
    const skill = item.lifecycle.assignee_skill;
    const { verdict, issues } = sanityOf(item);
    const proposed = hooks.includes("reflect") ? reflectOn(item) : [];
    const repairs = skill !== "" && hooks.includes("skill-lifecycle") ? await repairsOf(skill) : undefined;
    const health = repairs && healthOf(skill, since(all, repairs.lastDoneAt));
    const isIll = health !== undefined && health.health !== "healthy";
    const repair = isIll ? (repairs?.open ?? repairs?.next) : undefined;
    const result = {
      slug,
      skill,
      verdict,
      issues,
      proposals: proposed.length,
      proposed,
      health,
      ...(repair ? { repair } : {}),
    };
    if (dry) return result;
    const found = await items.find(slug);
    const notes = hooks.includes("sanity-check") ? notesFor(item, issues) : [];
    if (notes.length > 0) await change(actor, found, { type: "note", notes, at: now(), actor });
    const file =
      proposed.length > 0 ? await deps.proposals.write(slug, proposalText(item, proposed)) : undefined;
    if (file) await tellOf(item, proposed.length, file);
    if (health && repair && repair !== repairs?.open) await openRepair(repair, health);
    const at = now();
    await change(actor, await items.find(slug), {
      type: "evolved",
      at,
      since: endedAt(item),
      actor,
      verdict,
      issues,
      proposals: proposed.length,
      ...(proposed.length > 0 ? { proposed, ...(await basesOf(item, proposed)) } : {}),
      ...(file ? { file } : {}),
    });
    return { ...result, ...(file ? { file } : {}) };
  }

  /** Whose files they are for, and the digests of those that are written here when a person accepts. */
  async function basesOf(
    item: WorkItem,
    proposed: readonly Proposal[],
  ): Promise<Pick<Evolved, "agent" | "bases">> {
    const agent = lookForOwner(item, deps.registry());
    if (agent === undefined) return {};
    const workspace = writableWorkspace(deps.registry(), agent);
    const bases: Record<string, string> = {};
    const targets = WRITTEN_FILES.filter((file) => proposed.some(({ target }) => target === file));
    for (const target of workspace === undefined ? [] : targets) {
      const text = await deps.workspaceFiles.read(workspace ?? "", target).catch(unlessRefused);
      // The agent gets those that cannot be written here.
      if (text !== undefined) bases[target] = digestOf(text);
    }
    return { agent, bases };
  }

  /** People read of it in #agent-logs, once for each time that the work ended. */
  async function tellOf(item: WorkItem, count: number, file: string): Promise<void> {
    const id = `notice-${digestOf(`${item.slug} ${endedAt(item)}`).slice(0, 24)}`;
    const what = count === 1 ? "1 addition is" : `${count} additions are`;
    const text = `💡 ${item.slug} taught something: ${what} proposed in ${file}. Nothing was written to an agent's own files.`;
    const input = { type: "notice", at: now(), id, text } as const;
    await engine.accept({ kind: "notice", stream: id, input, cause: `evolve ${item.slug}`, actor: SYSTEM });
  }

  /** The repair item that is open, or the slug of the next one; what was before the last repair counts no more. */
  async function repairsOf(skill: string) {
    let lastDoneAt = 0;
    for (let round = 1; round < MOST_REPAIRS; round++) {
      const slug = repairSlug(skill, round);
      const found = await items.lookFor(slug);
      if (found?.kind !== "own") return { next: slug, lastDoneAt };
      if (found.state.status !== "done") return { open: slug, next: slug, lastDoneAt };
      lastDoneAt = found.state.completedAt ?? lastDoneAt;
    }
    throw new Error(`${skill} was repaired ${MOST_REPAIRS} times`);
  }

  async function openRepair(slug: string, { skill, issues, failedItems }: SkillHealth): Promise<void> {
    const input = {
      type: "create",
      slug,
      title: `Repair the skill ${skill}`,
      goal: `${issues.join("; ")}.${failedItems.length > 0 ? ` Failed: ${failedItems.join(", ")}.` : ""}`,
      criteria: ["its next items are done, and their tests pass"],
      constraints: [],
      assignee: "skill-lifecycle",
      blockers: [],
      maker: SYSTEM,
      at: now(),
    } as const;
    await engine.accept({
      kind: "work",
      stream: workStream(slug),
      input,
      cause: `repair ${skill}`,
      actor: SYSTEM,
    });
  }

  async function log(limit: number): ReturnType<EvolveVerbs["log"]> {
    const events = await ledger.events({ types: ["work.evolved"], before: Number.MAX_SAFE_INTEGER, limit });
    return events.map(({ stream, body }) => {
      const {
        type: _,
        actor: _a,
        since: _s,
        ...evolved
      } = body as Extract<WorkEvent, { type: "work.evolved" }>;
      return { slug: stream.slice("work-".length), ...evolved };
    });
  }

  async function status(): ReturnType<EvolveVerbs["status"]> {
    const all = await items.all();
    const over = all.filter(isOver);
    const waiting = over.filter(isWaiting).length;
    const skills: SkillHealth[] = [];
    for (const skill of [...new Set(over.map(({ lifecycle }) => lifecycle.assignee_skill))].toSorted()) {
      if (skill === "") continue;
      const { lastDoneAt } = await repairsOf(skill);
      skills.push(healthOf(skill, since(all, lastDoneAt)));
    }
    return { waiting, looked: over.length - waiting, skills };
  }

  return {
    run,
    ...createDecideProposals(deps),
    scan: async () => (await items.all()).filter(isWaiting).map(({ slug }) => slug),
    log,
    status,
  };
}

function unlessRefused(error: unknown): undefined {
  if (!isRefusal(error)) throw error;
}

const isOver = ({ lifecycle }: WorkItem) =>
  lifecycle.timestamps.completed_at !== null &&
  lifecycle.status !== "todo" &&
  lifecycle.status !== "in_progress";
const endedAt = ({ lifecycle }: WorkItem) => Date.parse(lifecycle.timestamps.completed_at ?? "") || 0;

/** It has ended, and nobody looked at it since. */
function isWaiting(item: WorkItem): boolean {
  const isLooked = item.history.some(
    ({ event, timestamp }) => event === "evolved" && Date.parse(timestamp) >= endedAt(item),
  );
  return isOver(item) && !isLooked;
}

function since(all: readonly WorkItem[], at: number): readonly WorkItem[] {
  return at === 0 ? all : all.filter((item) => endedAt(item) > at);
}

/** What the gate found, told once. */
function notesFor({ lessons }: WorkItem, issues: readonly string[]): readonly WorkNote[] {
  return issues.flatMap((issue): readonly WorkNote[] => {
    const text = gateFinding(issue);
    if (lessons.findings.includes(text)) return [];
    return [
      { type: "finding", text },
      { type: "followup", text: `Mend: ${issue}` },
    ];
  });
}
