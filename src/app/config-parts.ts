import type { Config } from "../domain/config.ts";
import { type ConfigParts, partsOf } from "../domain/member.ts";

/** By what we work now, worked out again only when it was read again: it is said with every sign of life. */
export function createConfigParts(
  config: () => Config,
  workflows: () => readonly unknown[],
): () => ConfigParts {
  let known:
    | { readonly of: Config; readonly and: readonly unknown[]; readonly parts: ConfigParts }
    | undefined;
  return () => {
    const [of, and] = [config(), workflows()];
    if (known?.of !== of || known.and !== and) known = { of, and, parts: partsOf(of, and) };
    return known.parts;
  };
}
