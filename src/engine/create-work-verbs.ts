import type { Actor } from "../domain/actor.ts";
import type { Registry } from "../domain/agent-card.ts";
import { contractNamed, findSkills, type SkillContract } from "../domain/skill-contract.ts";
import { graphOfWork } from "../domain/work-graph.ts";
import { type WorkInput, type WorkStatus, workStream } from "../domain/work-types.ts";
import type { WorkItem } from "../domain/work-view.ts";
import { digestOf, newId } from "../kernel/id.ts";
import { Refusal } from "../kernel/refusal.ts";
import { plainLetters } from "../kernel/text.ts";
import type { Engine } from "./accept.ts";
import type { Ledger } from "./ports/ledger.ts";
import { createWorkHooks } from "./work-hooks.ts";
import type { FoundWork, WorkItems } from "./work-items.ts";
import { permitMaking, permitWork } from "./work-permission.ts";
import type { CreateWork, WorkStats, WorkVerbs } from "./work-verbs.ts";

const SLUG = /^[a-z0-9][a-z0-9._~-]{0,119}$/;
const LONGEST_TITLE_PART = 80;
const MOST_NOTES = 1000;

export type WorkVerbsDeps = {
  readonly engine: Engine;
  readonly ledger: Ledger;
  readonly items: WorkItems;
  readonly registry: () => Registry;
  readonly contracts: () => readonly SkillContract[];
  readonly now: () => number;
};

/** Takes an input of a work item, making its stream first where there is none yet. */
export type ChangeWork = (actor: Actor, found: FoundWork, input: WorkInput) => Promise<boolean>;

export function createChangeWork({ engine, now }: Pick<WorkVerbsDeps, "engine" | "now">): ChangeWork {
  async function begin(actor: Actor, found: FoundWork, slug: string): Promise<void> {
    const stream = workStream(slug);
    const accept = (input: WorkInput) =>
      engine.accept({ kind: "work", stream, input, cause: `${input.type} ${slug}`, actor });
    if (found.kind === "own") {
      if (!found.isKept) await accept({ ...found.state.order, type: "create" });
    } else if (!found.kept) {
      await accept({ type: "adopt", slug, run: found.run.order.id, step: found.step.id, at: now(), actor });
    }
  }

  return async (actor, found, input) => {
    const slug = slugOfFound(found);
    await begin(actor, found, slug);
    const accepted = await engine.accept({
      kind: "work",
      stream: workStream(slug),
      input,
      cause: `${input.type} ${slug}`,
      actor,
    });
    return accepted.events.length > 0;
  };
}

export function slugOfFound(found: FoundWork): string {
  if (found.kind === "own") return found.state.slug;
  const { run, step } = found;
  const stage = run.order.definition.pipeline?.stages.find((one) => one.step === step.id);
  return stage ? `${run.order.id}-stage-${stage.index}` : `${run.order.id}.${step.id}`;
}

/** The verbs for work items, over one engine. */
export function createWorkVerbs(deps: WorkVerbsDeps): WorkVerbs {
  const { engine, items, registry, contracts, now } = deps;
  const change = createChangeWork(deps);

  async function mine(actor: Actor, slug: string): Promise<FoundWork> {
    const found = await items.find(slug);
    permitWork(actor, found, registry());
    return found;
  }

  /** Standing is changed here only where it is nobody else's: a step's follows its run. */
  async function movable(actor: Actor, slug: string, what: string) {
    const found = await mine(actor, slug);
    if (found.kind === "own") return found;
    throw new Refusal(
      "invalid_input",
      `${slug} is a step of the run ${found.run.order.id}, which says how it stands.`,
      {
        hint: `It cannot be ${what} by hand: hand the work in, or use \`hq workflow retry\`, \`skip\` or \`cancel\`.`,
      },
    );
  }

  async function move(
    actor: Actor,
    slug: string,
    act: {
      readonly input: WorkInput;
      readonly what: string;
      readonly from: string;
      readonly goal: WorkStatus;
    },
  ): Promise<WorkItem> {
    const found = await movable(actor, slug, act.what);
    const whole = slugOfFound(found);
    const hasChanged = await change(actor, found, act.input);
    // Doing it twice is doing it once; somebody else may have done it this moment.
    const status = await items.statusOf(whole);
    if (hasChanged || status === act.goal) return items.show(whole);
    throw new Refusal("already_settled", `${whole} is ${status}; it cannot be ${act.what}.`, {
      hint: act.from,
    });
  }

  async function start(actor: Actor, slug: string, skill?: string): Promise<WorkItem> {
    const found = await movable(actor, slug, "started");
    const { pipeline } = found.state.order;
    if (pipeline !== undefined) {
      throw new Refusal("invalid_input", `${slug} is a stage of the pipeline ${pipeline}.`, {
        hint: `\`hq workflow advance ${pipeline}\` starts the stage that comes next, once nothing holds it.`,
      });
    }
    const open = await items.openBlockers(found.state);
    if (open.length > 0 && found.state.status !== "in_progress") {
      throw new Refusal("already_settled", `${slug} is blocked by ${open.join(", ")}.`, {
        hint: "It can be started when they are done: `hq work show` says how each stands.",
      });
    }
    const input = { type: "start", at: now(), actor, ...(skill === undefined ? {} : { skill }) } as const;
    const from = "Make a new item for more work of that kind.";
    return move(actor, slug, { input, what: "started", from, goal: "in_progress" });
  }

  async function create(actor: Actor, request: CreateWork): Promise<WorkItem> {
    permitMaking(actor);
    const at = now();
    const title = request.title.trim();
    if (title === "") throw new Refusal("invalid_input", "title: say what the work is.");
    const slug = request.slug ?? slugFor(title, request.project, at);
    if (!SLUG.test(slug)) {
      throw new Refusal(
        "invalid_input",
        "slug: small letters, digits and . _ ~ -, at most 120, beginning with a letter or digit.",
      );
    }
    if (await items.lookFor(slug)) throw taken(slug);
    const named = [];
    for (const blocker of request.blockers ?? []) named.push(slugOfFound(await items.find(blocker)));
    const blockers = [...new Set(named)];
    const { project, goal, criteria = [], constraints = [], skill, source } = request;
    // The other side first: what the item itself does not confirm is not shown.
    for (const blocker of blockers) await dependOn(actor, blocker, slug);
    const input: WorkInput = {
      type: "create",
      slug,
      title,
      ...(project ? { project } : {}),
      ...(goal ? { goal } : {}),
      criteria,
      constraints,
      ...(skill ? { assignee: skill } : {}),
      ...(source ? { source } : {}),
      blockers,
      maker: actor,
      at,
    };
    const stream = workStream(slug);
    const { events } = await engine.accept({ kind: "work", stream, input, cause: `create ${slug}`, actor });
    if (events.length === 0) throw taken(slug);
    return items.show(slug);
  }

  async function dependOn(actor: Actor, blocker: string, slug: string): Promise<void> {
    await change(actor, await items.find(blocker), { type: "depend", slug, at: now(), actor });
  }

  /** What is written down are whole slugs: those that people remember may mean another item tomorrow. */
  async function block(actor: Actor, word: string, onWord: string): Promise<WorkItem> {
    const found = await mine(actor, word);
    const [slug, on] = [slugOfFound(found), slugOfFound(await items.find(onWord))];
    const circle = await wayTo(on, slug);
    if (circle) {
      throw new Refusal(
        "invalid_input",
        `${slug} cannot wait for ${on}: ${[slug, ...circle].join(" waits for ")}.`,
        {
          hint: "Take one of them out of the circle.",
        },
      );
    }
    await dependOn(actor, on, slug);
    await change(actor, found, { type: "block", on, at: now(), actor });
    return items.show(slug);
  }

  /** From one item along what it waits for to another one; undefined when there is no such way. */
  async function wayTo(from: string, to: string): Promise<readonly string[] | undefined> {
    const seen = new Set<string>();
    const open: (readonly string[])[] = [[from]];
    for (let way = open.pop(); way; way = open.pop()) {
      const last = way.at(-1) ?? from;
      if (last === to) return way;
      if (seen.has(last)) continue;
      seen.add(last);
      const found = await items.lookFor(last);
      const { dependencies } = found ? await items.viewOf(found) : { dependencies: { blockers: [] } };
      for (const blocker of dependencies.blockers) open.push([...way, blocker]);
    }
    return undefined;
  }

  async function stats(): Promise<WorkStats> {
    const all = await items.all();
    const by = (word: (item: WorkItem) => string) => {
      const counts: Record<string, number> = {};
      for (const item of all) counts[word(item)] = (counts[word(item)] ?? 0) + 1;
      return counts;
    };
    return {
      total: all.length,
      byStatus: by(({ lifecycle }) => lifecycle.status),
      byProject: by(({ project }) => project || "(none)"),
      bySkill: by(({ lifecycle }) => lifecycle.assignee_skill || "unassigned"),
    };
  }

  return {
    list: items.list,
    show: items.show,
    hooks: createWorkHooks(deps),
    stats,
    graph: async (query) => graphOfWork(await items.list({ limit: 500, ...query })),
    create,
    start,
    review: (actor, slug) =>
      move(actor, slug, {
        input: { type: "review", at: now(), actor },
        what: "put up for review",
        from: `Start it first: \`hq work start ${slug}\`.`,
        goal: "review",
      }),
    complete: (actor, slug) =>
      move(actor, slug, {
        input: { type: "complete", at: now(), actor },
        what: "completed",
        from: `Start it first: \`hq work start ${slug}\`.`,
        goal: "done",
      }),
    fail: (actor, slug, reason) =>
      move(actor, slug, {
        input: { type: "fail", at: now(), actor, ...(reason ? { reason } : {}) },
        what: "failed",
        from: "What is done stays done; make a new item.",
        goal: "failed",
      }),
    async handoff(actor, slug, to) {
      const found = await movable(actor, slug, "handed on");
      await change(actor, found, { type: "handoff", to, at: now(), actor });
      return items.show(slug);
    },
    block,
    async note(actor, slug, notes) {
      const found = await mine(actor, slug);
      const kept = found.kind === "own" ? found.state : found.kept;
      if ((kept?.notes.length ?? 0) + notes.length > MOST_NOTES) {
        throw new Refusal("too_large", `${slug} holds ${MOST_NOTES} notes at most.`, {
          hint: "Put the rest into a file, and note that as an artifact.",
        });
      }
      await change(actor, found, { type: "note", notes, at: now(), actor });
      return items.show(slug);
    },
    skills: (query) => findSkills(contracts(), query),
    skill: (name) => contractNamed(contracts(), name),
  };
}

function taken(slug: string): Refusal {
  return new Refusal("key_reused", `There is a work item ${slug} already.`, {
    hint: "Choose another slug, or leave it out.",
  });
}

/** `<project>-<title>-<6 hex>`: readable, and another one each time. */
function slugFor(title: string, project: string | undefined, at: number): string {
  const plain = (text: string, length: number) =>
    plainLetters(text)
      .replace(/[^a-z0-9]+/g, "-")
      .slice(0, length)
      .replace(/^-+|-+$/g, "");
  const parts = [
    plain(project ?? "", 30),
    plain(title, LONGEST_TITLE_PART) || "work",
    digestOf(newId(title, at)).slice(0, 6),
  ];
  return parts.filter((part) => part !== "").join("-");
}
