/** What is to be done, as JSON. */
export type Payload = Readonly<Record<string, unknown>>;

/** The words of an order, and what goes along with them. */
export type Assignment = {
  readonly objective: string;
  readonly attachments: readonly { readonly name: string; readonly text: string }[];
};

/** Keys whose text says what is to be done; the first one that is there counts. */
const TEXT_KEYS = ["task", "objective", "message"] as const;

/** What is asked of everybody when no payload is given. */
export const ROLL_CALL = "Roll call: say in one sentence whether you can take work now.";

/**
 * A payload as an assignment: its text where it has one, with everything else attached as material;
 * otherwise the JSON itself. No payload = a roll call.
 */
export function readPayload(payload: Payload | undefined): Assignment {
  if (payload === undefined) return { objective: ROLL_CALL, attachments: [] };
  const key = TEXT_KEYS.find((name) => isText(payload[name]));
  if (key === undefined) {
    return {
      objective: `Carry out this request. It was given as JSON:\n\n${JSON.stringify(payload, undefined, 2)}`,
      attachments: [],
    };
  }
  const rest = Object.fromEntries(Object.entries(payload).filter(([name]) => name !== key));
  const isAlone = Object.keys(rest).length === 0;
  return {
    objective: (payload[key] as string).trim(),
    attachments: isAlone ? [] : [{ name: "payload.json", text: JSON.stringify(rest, undefined, 2) }],
  };
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value.trim() !== "";
}
