import type { DeliveryInput, Receipt } from "../domain/delivery-types.ts";
import type { ProposalsView } from "../domain/proposals.ts";
import type { RunView } from "../domain/run-view.ts";
import type { DelegationView } from "../domain/view.ts";
import type { WorkerView } from "../domain/worker-view.ts";
import type { TaskView } from "../engine/task-verbs.ts";
import type { Attachment } from "./payload.ts";

/** What a card or delivery tells about. */
export type SubjectView =
  | { readonly kind: "delegation"; readonly view: DelegationView }
  | { readonly kind: "run"; readonly view: RunView }
  | { readonly kind: "proposals"; readonly view: ProposalsView }
  | { readonly kind: "task"; readonly view: TaskView }
  | { readonly kind: "worker"; readonly view: WorkerView };

/** What posting needs of the ledger. */
export type DeliveryPort = {
  readonly receipts: (delivery: string) => Promise<readonly Receipt[]>;
  /** What a message of ours shows. */
  readonly shownBy: (message: string) => Promise<readonly Receipt[]>;
  /** Told of each part that is posted from now on, whoever posts it. */
  readonly onPosted?: (delivery: string, listener: (receipt: Receipt) => void) => () => void;
  /** Commits what happened to a delivery, and in the same commit ends the effects named (by id). */
  readonly record: (input: DeliveryInput, settles: readonly string[]) => Promise<void>;
  /** Tells people of a question that can be shown nowhere: once a day each. */
  readonly tellUnasked?: (delivery: string, at: number) => Promise<void>;
  /** A delegation, run, task or worker by its id, or what is proposed for a work item by its stream. */
  readonly view: (stream: string) => Promise<SubjectView>;
  /** What was agreed for a batch before its first POST. */
  readonly batchBody: (delivery: string) => Promise<string | undefined>;
  /** Files of a delegation or run that may be shown, already checked. */
  readonly attachable?: (stream: string) => Promise<readonly Attachment[]>;
};
