import type { Task } from "../../domain/task-types.ts";
import type { Outcome } from "../loop.ts";
import type { ClaimedOf } from "../perform.ts";

/**
 * What became of a task's claim on Discord. `claimed` is said again whenever the same supervisor asks again; `lost`
 * names the other supervisor; `gone`: the message was deleted; `handled`: a person's ✅ came first.
 */
export type ClaimAnswer =
  | {
      readonly kind: "claimed";
      readonly message: string;
      /** The files of the task's message as they are found now. */
      readonly attachments?: Task["attachments"];
    }
  | { readonly kind: "lost"; readonly by: string }
  | { readonly kind: "gone" }
  | { readonly kind: "handled"; readonly user: string }
  | Extract<Outcome, { kind: "again" }>;

/** The part of the Discord edge that holds claims. */
export type TaskClaims = {
  readonly claim: (effect: ClaimedOf<"task-claim">) => Promise<ClaimAnswer>;
  readonly check: (effect: ClaimedOf<"task-check">) => Promise<Outcome>;
};
