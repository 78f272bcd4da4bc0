import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import type { DelegationView } from "../../src/domain/view.ts";
import { newRoot, runHq } from "./cli-process.ts";

const CODER = "openrouter/qwen/qwen3-coder-next";
const HQ = `models:
  - { name: primary }
  - { name: coder, fits: { max_words: 12 } }
  - { name: cheap, fits: { templates: [research] } }
`;
const STUDY = `name: study
defaults: { model: cheapest }
steps:
  find: { agent: webster, template: research, with: { topic: CTE of ULE } }
  judge: { agent: tech-lead, task: "Is it good?", needs: find }
`;

test("a model is asked for at the command line, chosen by rule, and told in dry runs and by status", async (t) => {
  const { root } = newRoot(t);
  mkdirSync(join(root, "config"));
  mkdirSync(join(root, "workflows"));
  writeFileSync(
    join(root, "config", "hq.yaml"),
    `${HQ}workflows: { dir: ${JSON.stringify(join(root, "workflows"))} }\n`,
  );
  writeFileSync(join(root, "workflows", "study.yaml"), STUDY);
  const hq = (...argv: string[]) => runHq(t, argv, { cwd: root });

  const show = await hq("workflow", "show", "study");
  assert.match(show.out, /find +webster +– +template research; model cheapest; /, show.err);
  assert.match(show.out, /judge +tech-lead +find +model cheapest; /);
  const plan = await hq("workflow", "run", "study", "--dry-run", "--json");
  const { waves, cost } = JSON.parse(plan.out) as {
    readonly waves: readonly (readonly { readonly model?: { readonly model?: string } }[])[];
    readonly cost: { readonly usd?: number };
  };
  assert.deepEqual(
    waves.flat().map(({ model }) => model?.model),
    ["openrouter/stepfun/step-3.5-flash:free", CODER],
  );
  assert.ok((cost.usd ?? 0) > 0, "every step has a price now");
  const text = await hq("workflow", "run", "study", "--dry-run");
  assert.match(text.out, /model openrouter\/qwen\/qwen3-coder-next: the cheapest of 2 that fit 3 words/);

  const wrong = await hq("delegate", "webster", "CTE of ULE", "--model", "codr");
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /names no model "codr": did you mean "coder"\?/);

  const placed = await hq("delegate", "webster", "CTE of ULE", "--model", "cheapest", "--no-wait");
  assert.equal(placed.code, 0, placed.err);
  assert.match(
    placed.err,
    /Model openrouter\/qwen\/qwen3-coder-next: the cheapest of 2 that fit 3 words, less than 0.0001 USD/,
  );
  assert.match(
    placed.err,
    /It is queued for webster, who gets it when it is free and takes work: see `hq wait /,
  );
  const { runId } = JSON.parse(placed.out) as { readonly runId: string };
  const waited = await hq("wait", runId);
  assert.equal(waited.code, 0, waited.err);
  assert.match(
    (await hq("status", runId)).out,
    /^model +openrouter\/qwen\/qwen3-coder-next: the cheapest of 2/m,
  );
  const view = JSON.parse((await hq("status", runId, "--json")).out) as DelegationView;
  assert.equal(view.model?.model, CODER);
});
