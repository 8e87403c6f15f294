import type { SimFault } from "./faults.ts";
import type { Plan } from "./_run.ts";

/** A fault of a run: one of the plan, or the number of one that the script causes. */
type Item = SimFault | number;

/**
 * Leaves out as many faults as it can of a run that fails, so that it still does: halves first, then smaller parts, then what is left
 * is made shorter.
 *
 * @param fails runs with the plan, and tells whether the same goes wrong.
 * @param most runs that may be spent.
 */
export async function shrink(
  plan: { readonly faults: readonly SimFault[]; readonly caused: number },
  fails: (plan: Plan) => Promise<boolean>,
  most: number,
): Promise<Plan> {
  let items: Item[] = [...plan.faults, ...Array.from({ length: plan.caused }, (_, i) => i)];
  let left = most;
  const tries = async (kept: readonly Item[]): Promise<boolean> => {
    left--;
    return await fails(planOf(kept, plan.caused));
  };
  for (
    let size = items.length;
    size >= 1 && left > 0;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let from = 0; from < items.length && left > 0;) {
      const kept = [...items.slice(0, from), ...items.slice(from + size)];
      if (kept.length < items.length && await tries(kept)) items = kept;
      else from += size;
    }
  }
  for (let i = 0; i < items.length && left > 0; i++) {
    for (let item = items[i]; left > 0; item = items[i]) {
      if (typeof item === "number" || !("lasts" in item) || item.lasts < 20) break;
      const shorter = { ...item, lasts: Math.round(item.lasts / 2) };
      const kept = items.map((one, at) => at === i ? shorter : one);
      if (!await tries(kept)) break;
      items = kept;
    }
  }
  return planOf(items, plan.caused);
}

function planOf(items: readonly Item[], caused: number): Plan {
  const numbers = new Set(items.filter((item) => typeof item === "number"));
  const skipped = new Set<number>();
  for (let i = 0; i < caused; i++) if (!numbers.has(i)) skipped.add(i);
  return { faults: items.filter((item) => typeof item !== "number"), skipped };
}
