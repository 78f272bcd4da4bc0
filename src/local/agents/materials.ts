/** Mean coefficient of thermal expansion over one interval, in ppm/K (1e-6/K): `nominal ± tolerance`. */
export type Expansion = {
  readonly nominal: number;
  readonly tolerance?: number;
  readonly fromC: number;
  readonly toC: number;
};

/** Typical room-temperature values. density g/cm³, modulus GPa (Young), conductivity W/(m·K). */
export type Material = {
  readonly id: string;
  readonly name: string;
  /** Lower-case patterns as people write it; the longest match in a text wins. */
  readonly words: readonly string[];
  readonly expansion: Expansion;
  readonly density: number;
  readonly modulus: number;
  readonly conductivity: number;
  /** Where the numbers were published. */
  readonly source: string;
  /** What a careful reader must know beside the numbers. */
  readonly caveat?: string;
};

const SCHOTT = "SCHOTT, ZERODUR technical details (CTE grades, mean over 0–50 °C)";
const OHARA = "OHARA, CLEARCERAM-Z product data sheet";
const CORNING_ULE = "Corning, ULE 7972 product information sheet";
const HANDBOOK = "Paquin, Properties of Metals, Handbook of Optics vol. II, ch. 35 (1995)";
const zerodur = { density: 2.53, modulus: 90.3, conductivity: 1.46, source: SCHOTT } as const;
const over0to50 = (tolerance: number) => ({ nominal: 0, tolerance, fromC: 0, toC: 50 }) as const;

/** Public values as the makers state them, few digits, nothing measured by us. Order = order of tables. */
export const MATERIALS: readonly Material[] = [
  {
    id: "zerodur-0-extreme",
    name: "Zerodur Expansion Class 0 Extreme",
    words: ["zerodur class 0 extreme", "zerodur expansion class 0 extreme", "zerodur extreme"],
    expansion: over0to50(0.007),
    ...zerodur,
  },
  {
    id: "zerodur-0-special",
    name: "Zerodur Expansion Class 0 Special",
    words: ["zerodur class 0 special", "zerodur expansion class 0 special", "zerodur special"],
    expansion: over0to50(0.01),
    ...zerodur,
  },
  {
    id: "zerodur-0",
    name: "Zerodur Expansion Class 0",
    words: ["zerodur class 0", "zerodur expansion class 0", "zerodur class zero"],
    expansion: over0to50(0.02),
    ...zerodur,
  },
  {
    id: "zerodur-1",
    name: "Zerodur Expansion Class 1",
    words: ["zerodur class 1", "zerodur expansion class 1"],
    expansion: over0to50(0.05),
    ...zerodur,
  },
  {
    id: "zerodur-2",
    name: "Zerodur Expansion Class 2",
    words: ["zerodur class 2", "zerodur expansion class 2"],
    expansion: over0to50(0.1),
    ...zerodur,
  },
  {
    id: "zerodur",
    name: "Zerodur (class not stated)",
    words: ["zerodur"],
    expansion: over0to50(0.1),
    ...zerodur,
    caveat:
      "No expansion class was named, so the widest (class 2) is given; class 1 is ±0.05, class 0 ±0.02, class 0 Special ±0.01, class 0 Extreme ±0.007 ppm/K.",
  },
  {
    id: "clearceram-z-hs",
    name: "Clearceram-Z HS",
    words: ["clearceram-z hs", "clearceram z hs", "clearceram hs", "ccz hs", "ccz-hs"],
    expansion: over0to50(0.02),
    density: 2.55,
    modulus: 92,
    conductivity: 1.5,
    source: OHARA,
    caveat: "Modulus and conductivity are rounded.",
  },
  {
    id: "clearceram-z",
    name: "Clearceram-Z (regular)",
    words: ["clearceram-z", "clearceram z", "clearceram", "ccz"],
    expansion: over0to50(0.1),
    density: 2.55,
    modulus: 90,
    conductivity: 1.5,
    source: OHARA,
    caveat: "Modulus and conductivity are rounded.",
  },
  {
    id: "ule-7972",
    name: "ULE 7972",
    words: ["ule 7972", "ule7972", "ule", "corning 7972", "ultra low expansion glass"],
    expansion: { nominal: 0, tolerance: 0.03, fromC: 5, toC: 35 },
    density: 2.21,
    modulus: 67.6,
    conductivity: 1.31,
    source: CORNING_ULE,
  },
  {
    id: "ule-7973",
    name: "ULE 7973",
    words: ["ule 7973", "ule7973", "corning 7973"],
    expansion: { nominal: 0, tolerance: 0.03, fromC: 5, toC: 35 },
    density: 2.21,
    modulus: 67.6,
    conductivity: 1.31,
    source: CORNING_ULE,
    caveat:
      "7973 is sold to a zero-crossover temperature agreed per order; here the tolerance of 7972 stands in for it, which is the cautious reading. The maker's certificate decides.",
  },
  {
    id: "fused-silica",
    name: "Fused silica (HPFS 7980)",
    words: ["fused silica", "fused quartz", "quartz glass", "hpfs 7980", "hpfs"],
    expansion: { nominal: 0.52, fromC: 5, toC: 35 },
    density: 2.2,
    modulus: 72.7,
    conductivity: 1.3,
    source: "Corning, HPFS 7979/7980/8655 product information sheet",
    caveat: "The sheet gives 0.57 ppm/K for the mean over 0–200 °C.",
  },
  {
    id: "n-bk7",
    name: "N-BK7",
    words: ["n-bk7", "nbk7", "bk7", "bk-7"],
    expansion: { nominal: 7.1, fromC: -30, toC: 70 },
    density: 2.51,
    modulus: 82,
    conductivity: 1.114,
    source: "SCHOTT, N-BK7 optical glass data sheet",
  },
  {
    id: "borosilicate",
    name: "Borosilicate glass (Pyrex 7740)",
    words: ["borosilicate", "pyrex 7740", "pyrex", "borofloat"],
    expansion: { nominal: 3.25, fromC: 0, toC: 300 },
    density: 2.23,
    modulus: 64,
    conductivity: 1.1,
    source: "Corning, Pyrex 7740 properties sheet",
  },
  {
    id: "sic",
    name: "Silicon carbide (CVD)",
    words: ["silicon carbide", "cvd sic", "sic"],
    expansion: { nominal: 2.3, tolerance: 0.1, fromC: 20, toC: 25 },
    density: 3.21,
    modulus: 465,
    conductivity: 198,
    source: HANDBOOK,
    caveat:
      "Kinds of SiC differ: makers of CVD and sintered grades state 2.2–2.4 ppm/K at room temperature and conductivities from about 120 to 300 W/(m·K).",
  },
  {
    id: "beryllium",
    name: "Beryllium I-70-H",
    words: ["beryllium i-70-h", "be i-70-h", "i-70-h", "i70-h", "i-70h", "beryllium"],
    expansion: { nominal: 11.3, tolerance: 0.2, fromC: 20, toC: 25 },
    density: 1.85,
    modulus: 287,
    conductivity: 216,
    source: HANDBOOK,
    caveat:
      "The handbook's values for optical beryllium stand in for the grade; machining dust of beryllium is toxic.",
  },
  {
    id: "invar-36",
    name: "Invar 36",
    words: ["invar 36", "invar36", "invar", "feni36"],
    expansion: { nominal: 1.9, tolerance: 0.8, fromC: 30, toC: 100 },
    density: 8.05,
    modulus: 141,
    conductivity: 10.5,
    source: "ASTM F1684-06 (2021) for expansion; Carpenter Invar 36 data sheet for the rest",
    caveat: "Depends on heat treatment; the standard's limits are 1.2–2.7 ppm/K over 30–150 °C.",
  },
  {
    id: "al-6061-t6",
    name: "Aluminium 6061-T6",
    words: ["al 6061-t6", "al 6061", "6061-t6", "6061", "aluminium 6061", "aluminum 6061", "al6061"],
    expansion: { nominal: 23.6, fromC: 20, toC: 100 },
    density: 2.7,
    modulus: 68.9,
    conductivity: 167,
    source: "ASM Metals Handbook, vol. 2 (1990)",
  },
  {
    id: "ti-6al-4v",
    name: "Ti-6Al-4V (annealed)",
    words: ["ti-6al-4v", "ti6al4v", "ti 6al-4v", "ti-6-4", "ti64", "titanium grade 5"],
    expansion: { nominal: 8.6, fromC: 20, toC: 100 },
    density: 4.43,
    modulus: 114,
    conductivity: 6.7,
    source: "ASM Metals Handbook, vol. 2 (1990)",
  },
  {
    id: "316l",
    name: "Stainless steel 316L",
    words: ["316l", "stainless steel 316", "aisi 316", "stainless steel", "1.4404"],
    expansion: { nominal: 16, fromC: 20, toC: 100 },
    density: 8,
    modulus: 200,
    conductivity: 15,
    source: "EN 10088-1, annex with physical properties",
  },
];

/** A grade in brackets or with a word between reads the same: `Zerodur® (Class 0)`, `Zerodur, expansion class 0`. */
function plain(text: string): string {
  return text
    .toLowerCase()
    .replace(/[®™()[\],:;"'`*_]+/g, " ")
    .replace(/[‐-―]/g, "-")
    .replace(/\s+/g, " ")
    .replace(
      /zerodur(?: expansion)? class(?:es)? ([012](?: ?(?:\/|and|or|&) ?[012]\b)+)/g,
      (_, classes: string) =>
        [...classes.matchAll(/\d/g)].map(([digit]) => `zerodur class ${digit}`).join(" / "),
    );
}

/** The materials that a text names, each once, in the order of their first mention. Titles of sources do not count. */
export function materialsIn(text: string): readonly Material[] {
  const haystack = plain(text.replace(/^Source: .*$/gm, ""));
  const names = MATERIALS.flatMap((material) => material.words.map((word) => ({ word, material }))).sort(
    (a, b) => b.word.length - a.word.length,
  );
  const taken: { from: number; to: number; material: Material }[] = [];
  for (const { word, material } of names) {
    for (let at = haystack.indexOf(word); at >= 0; at = haystack.indexOf(word, at + 1)) {
      const to = at + word.length;
      const alone = !/[a-z0-9]/.test(haystack.charAt(at - 1)) && !/[a-z0-9]/.test(haystack.charAt(to));
      if (alone && !taken.some((other) => at < other.to && to > other.from))
        taken.push({ from: at, to, material });
    }
  }
  return [...new Set(taken.sort((a, b) => a.from - b.from).map(({ material }) => material))];
}

const number = (value: number) => String(value);

/** `0 ± 0.02 ppm/K`. */
export function expansionText({ nominal, tolerance }: Expansion): string {
  return `${number(nominal)}${tolerance === undefined ? "" : ` ± ${number(tolerance)}`} ppm/K`;
}

/** The largest magnitude that the stated tolerance allows, in ppm/K. */
export function worstExpansion({ nominal, tolerance }: Expansion): number {
  return Math.round((Math.abs(nominal) + (tolerance ?? 0)) * 1e6) / 1e6;
}
