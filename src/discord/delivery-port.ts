import type { DeliveryInput, Receipt } from "../domain/delivery-types.ts";
import type { DelegationView } from "../domain/view.ts";
import type { Attachment } from "./payload.ts";

/** What posting needs of the ledger. */
export type DeliveryPort = {
  readonly receipts: (delivery: string) => Promise<readonly Receipt[]>;
  /** Commits what happened to a delivery, and in the same commit ends the effects named (by id). */
  readonly record: (input: DeliveryInput, settles: readonly string[]) => Promise<void>;
  readonly view: (run: string) => Promise<DelegationView>;
  /** What was agreed for a batch before its first POST. */
  readonly batchBody: (delivery: string) => Promise<string | undefined>;
  /** Files of a run that may be shown, already checked. */
  readonly attachable?: (run: string) => Promise<readonly Attachment[]>;
};
