/** Takes known secrets out of a text. Values shorter than 8 characters are too common to be looked for. */
export type Redact = (text: string) => string;

const PATTERNS: readonly RegExp[] = [
  // Interaction and webhook tokens in Discord's addresses.
  /(\/(?:webhooks|interactions)\/\d{5,25}\/)[A-Za-z0-9._-]{20,}/g,
  /(Bearer |Bot )[A-Za-z0-9._~+/=-]{12,}/g,
  // Tokens of agents, runs and sessions: they are made when they are needed, so there is no list of them.
  /(hqs\.)[\w-]{43}(?![\w-])/g,
  /(hq[ar]\.[A-Za-z0-9._~-]{1,120}?\.)[\w-]{43}(?![\w-])/g,
];

export function createRedact(secrets: () => Iterable<string | undefined>): Redact {
  return (text) => {
    let clean = text;
    for (const secret of secrets()) {
      if (secret && secret.length >= 8 && clean.includes(secret))
        clean = clean.replaceAll(secret, "[secret]");
    }
    for (const pattern of PATTERNS) clean = clean.replace(pattern, "$1[secret]");
    return clean;
  };
}
