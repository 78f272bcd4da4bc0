import { z } from "zod";
import type { Retention } from "../domain/settings.ts";
import { duration, hours, size } from "./fields.ts";

const CLOCK = /^([01]\d|2[0-3]):([0-5]\d)$/;

/** What goes by itself when it is old; nothing, unless one of the first two is written. */
export const retentionSchema = z
  .strictObject({
    older_than: duration({ minMs: hours(24), maxMs: hours(24 * 3660) })
      .optional()
      .describe("What ended so long ago is taken out with its files, at least 1d. Default: nothing."),
    keep_size: size({ min: 1 << 20, max: 2 ** 50 })
      .optional()
      .describe(
        "The oldest goes until the ledger takes no more than this; a day is always kept. Default: no limit.",
      ),
    at: z
      .string()
      .regex(CLOCK, "must be a time of day such as 03:30")
      .default("03:30")
      .describe("When, each day, in the time of this machine. Default 03:30."),
  })
  .prefault({});

export function toRetention(written: z.output<typeof retentionSchema>): { readonly retention?: Retention } {
  const { older_than, keep_size, at } = written;
  if (older_than === undefined && keep_size === undefined) return {};
  const [hour = "0", minute = "0"] = at.split(":");
  const retention = {
    ...(older_than === undefined ? {} : { olderThanMs: older_than }),
    ...(keep_size === undefined ? {} : { keepBytes: keep_size }),
    atMinute: Number(hour) * 60 + Number(minute),
  };
  return { retention };
}
