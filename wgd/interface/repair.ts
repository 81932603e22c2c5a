import { errorFields, type Logger } from "../../lib/log.ts";
import { ProcessError } from "../../lib/process.ts";

/** What can be wrong with the interface itself, peers apart. */
export type InterfaceDrift =
  | "firewall"
  | "interface"
  | "name"
  | "private_key"
  | "listen_port"
  | "fwmark"
  | "mtu"
  | "address"
  | "route"
  | "link_down";

/** Puts something right. @returns whether it is now; what could not be is told with the rest, and tried again */
export type Repair = (kind: InterfaceDrift, action: () => Promise<unknown>) => Promise<boolean>;

/** What one look at the interface found wrong. */
export function createRepairs(log: Logger) {
  const drift = new Set<InterfaceDrift>();
  const faults: string[] = [];
  const repair: Repair = async (kind, action) => {
    try {
      await action();
      drift.add(kind);
      return true;
    } catch (error) {
      if (!(error instanceof ProcessError)) throw error;
      faults.push(`${kind} could not be put right: ${error.summary}`);
      log.warn("the interface could not be put right", { kind, ...errorFields(error) });
      return false;
    }
  };
  return {
    /** What is right now. */
    drift,
    /** What could not be put right, in plain words. */
    faults,
    repair,
  };
}
