/** Deliveries are named `<subject>/<what>`, and one that is said again `<subject>/<what>~<which>`. */
export function deliverySubject(delivery: string): string {
  const end = delivery.lastIndexOf("/");
  return end < 0 ? delivery : delivery.slice(0, end);
}

/** The first one's, also of one that is said again. */
export function deliveryWhat(delivery: string): string {
  return delivery.slice(delivery.lastIndexOf("/") + 1).replace(/~.*$/, "");
}
