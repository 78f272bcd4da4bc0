import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { pathToFileURL } from "node:url";
import { detailsText } from "../../src/discord/render-details.ts";
import type { FailureReason } from "../../src/domain/delegation-types.ts";
import { ENDED } from "../../src/domain/prompt.ts";
import type { DelegationView } from "../../src/domain/view.ts";
import { viewWith } from "../discord/view-fixture.ts";
import { INSTALLATION } from "./cli-harness.ts";

type Node = { readonly tag: string; readonly children: readonly unknown[] };
type Views = { readonly attempts: (story: object, agent: string) => Node };
type Parts = { readonly problem: (error: object) => Node };

const pageFile = (...path: string[]): Promise<unknown> =>
  import(pathToFileURL(join(INSTALLATION, "src", "page", ...path)).href);
const { problem } = (await pageFile("parts.js")) as Parts;
const { attempts } = (await pageFile("views", "delegation-parts.js")) as Views;

test("commands in a refusal, its problems and its hint are code, not words between backticks", () => {
  const problems = [{ path: "tasks.end", message: "is no `task`" }];
  const drawn = JSON.stringify(
    problem({ message: "There is no `batch` x.", problems, hint: "`hq batch list` shows them." }),
  );
  for (const words of ["batch", "task", "hq batch list"])
    assert.match(drawn, new RegExp(`"code"[^\`]*"${words}"`));
  assert.doesNotMatch(drawn, /`/);
});

test("how an attempt came to nothing is said in words, the same ones in Discord and on the page", () => {
  for (const [reason, words] of Object.entries(ENDED)) {
    const one = { attempt: 1, agent: "webster", status: "over", sends: 1, waitedMs: 0, reason };
    const drawn = JSON.stringify(attempts({ attempts: [one] }, "webster"));
    assert.ok(drawn.includes(`"${words}"`), drawn);
    assert.ok(!drawn.includes(`"${reason}"`), drawn);
    const view = { ...viewWith("failed"), attempts: [{ ...one, reason: reason as FailureReason }] };
    const details = detailsText(view as unknown as DelegationView, [], "1");
    assert.match(details, new RegExp(`attempt 1: not sent yet · ${words}`));
  }
  const other = {
    attempt: 1,
    agent: "webster",
    status: "over",
    sends: 1,
    waitedMs: 0,
    text: "it was canceled",
  };
  const drawn = JSON.stringify(attempts({ attempts: [other] }, "webster"));
  assert.ok(drawn.includes('"it was canceled"'), drawn);
});
