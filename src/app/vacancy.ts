/** How often a member that does not lead looks whether nobody does. */
const EVERY_MS = 250;

/** Looks now and then whether nobody leads. A look that fails is made again. */
export function watchVacancy(deps: {
  readonly isOpen: () => Promise<boolean>;
  readonly isOurBusiness: () => boolean;
  readonly onVacant: () => Promise<void>;
  /** Told once of what goes on failing. */
  readonly onFailed: (error: unknown) => void;
}) {
  let isLooking = false;
  let isFailing = false;
  const timer = setInterval(() => {
    if (isLooking || !deps.isOurBusiness()) return;
    isLooking = true;
    deps
      .isOpen()
      .then((isVacant) => (isVacant ? deps.onVacant() : undefined))
      .then(
        () => {
          isFailing = false;
        },
        (error: unknown) => {
          if (!isFailing) deps.onFailed(error);
          isFailing = true;
        },
      )
      .finally(() => {
        isLooking = false;
      });
  }, EVERY_MS);
  return { stop: () => clearInterval(timer) };
}
