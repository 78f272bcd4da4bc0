import type { Verbs } from "../engine/verbs.ts";
import { gateSubject, hashedSubject, runSubject } from "./custom-id.ts";
import { proposalsSubject } from "./render-proposals.ts";

const MOST_LOOKED_THROUGH = 1000;
const PAGE = 100;
const MOST_PROPOSALS = 500;

type Sources = Pick<Verbs, "delegations" | "runs"> & { readonly proposals: Verbs["evolve"]["log"] };
type Pages = (before: string | undefined) => Promise<{
  readonly items: readonly (readonly string[])[];
  readonly next?: string | undefined;
}>;

/** What a shortened custom id is about: a delegation, a run, one of its gates, or proposals. Unchanged when nothing fits. */
export async function findSubject(
  hashed: string,
  { delegations, runs, proposals }: Sources,
): Promise<string> {
  const ofRuns = (open: boolean): Pages => {
    return async (before) => {
      const page = await runs.runs({ limit: PAGE, ...(open ? { open } : {}), ...(before ? { before } : {}) });
      return { items: page.items.map((run) => [run.id, ...shownOf(run), ...gatesOf(run)]), next: page.next };
    };
  };
  const ofDelegations: Pages = async (before) => {
    const page = await delegations({ limit: PAGE, ...(before ? { before } : {}) });
    return { items: page.items.map(({ id }) => [id]), next: page.next };
  };
  const ofProposals: Pages = async () => {
    const looked = await proposals(MOST_PROPOSALS);
    return { items: looked.map(({ slug, at }) => [proposalsSubject(slug, at)]) };
  };
  for (const pages of [ofRuns(true), ofDelegations, ofRuns(false), ofProposals]) {
    const found = await search(pages, hashed);
    if (found !== undefined) return found;
  }
  return hashed;
}

type Run = Awaited<ReturnType<Sources["runs"]["run"]>>;

/** As any message of it may show it. */
function shownOf({ id, resumes }: Run): readonly string[] {
  return Array.from({ length: resumes + 1 }, (_, count) => runSubject({ id, resumes: count }));
}

function gatesOf({ id, steps }: Run): readonly string[] {
  return steps.flatMap(({ id: step, generation, gate }) =>
    gate ? [gateSubject({ run: id, step, generation, digest: gate.digest })] : [],
  );
}

async function search(pages: Pages, hashed: string): Promise<string | undefined> {
  let before: string | undefined;
  for (let seen = 0; seen < MOST_LOOKED_THROUGH; ) {
    const { items, next } = await pages(before);
    const found = items.flat().find((subject) => hashedSubject(subject) === hashed);
    if (found !== undefined) return found;
    seen += items.length;
    before = next;
    if (before === undefined) break;
  }
  return undefined;
}
