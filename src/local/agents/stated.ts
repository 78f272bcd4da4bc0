import { type Expansion, type Material, materialsIn } from "./materials.ts";

export type Attached = { readonly name: string; readonly text: string };

/** What was attached to a question, without the coordinator's words around it. */
export function attachedIn(material: string): readonly Attached[] {
  const pattern = /^# Attached context: (.*)\n.*\n<<<(\S+)\n([\s\S]*?)\n\2>>>$/gm;
  return [...material.matchAll(pattern)].map(([, name = "", , text = ""]) => ({ name, text }));
}

/** The expansions that a text states in webster's words: what was handed on, whatever our own table says. */
export function expansionsIn(
  text: string,
): ReadonlyMap<string, { readonly material: Material; readonly stated: Expansion }> {
  const pattern =
    /^\**([^*\n]+?)\**: mean CTE \**([-−]?\d+(?:\.\d+)?)(?: ± (\d+(?:\.\d+)?))? ppm\/K\** over ([-−]?\d+)–([-−]?\d+) °C/gm;
  const number = (digits: string | undefined) => Number((digits ?? "").replace("−", "-"));
  const found = new Map<string, { material: Material; stated: Expansion }>();
  for (const [, name = "", nominal, tolerance, from, to] of text.matchAll(pattern)) {
    const [material] = materialsIn(name);
    if (!material) continue;
    const stated = {
      nominal: number(nominal),
      ...(tolerance === undefined ? {} : { tolerance: number(tolerance) }),
      fromC: number(from),
      toC: number(to),
    };
    found.set(material.id, { material, stated });
  }
  return found;
}

export function isSameExpansion(a: Expansion, b: Expansion): boolean {
  return a.nominal === b.nominal && a.tolerance === b.tolerance && a.fromC === b.fromC && a.toC === b.toC;
}
