import { databaseUid } from "../../deploy/local/identity.ts";
import { startTestCluster, type TestCluster, testPassword } from "./cluster.ts";

/** A server, its standby, and the address at which whoever writes is to be found. */
export interface StandbyPair extends AsyncDisposable {
  primary: TestCluster;
  standby: TestCluster;
  /** A folder with the socket of the primary, until it is moved. */
  address: string;
  /** Has the address lead to the standby, as a virtual address would. */
  moveAddress(): Promise<void>;
}

/** Two real servers on this machine. The first acknowledges nothing that the second has not on its disk. */
export async function standbyPair(): Promise<StandbyPair> {
  await using undo = new AsyncDisposableStack();
  const address = await Deno.makeTempDir({ prefix: "massacorp-test-pg-address-" });
  undo.defer(() => Deno.remove(address, { recursive: true }));
  await Deno.chmod(address, 0o711);
  const primary = await startTestCluster({ durable: true });
  undo.defer(() => primary.stop());
  await primary.down();
  const standby = await startTestCluster({
    durable: true,
    copyOf: primary.dataFolder,
    async prepare(folder) {
      const said = `host=${primary.socketFolder} user=postgres password=${testPassword.reveal()}`;
      await Deno.writeTextFile(
        `${folder}/postgresql.auto.conf`,
        `primary_conninfo = '${said} application_name=standby'\n`,
      );
      await Deno.writeTextFile(`${folder}/standby.signal`, "");
      if (Deno.uid() === 0) {
        await Deno.chown(`${folder}/standby.signal`, databaseUid, databaseUid);
      }
    },
  });
  undo.defer(() => standby.stop());
  await Deno.writeTextFile(
    `${primary.dataFolder}/postgresql.auto.conf`,
    "synchronous_standby_names = 'ANY 1 (standby)'\n",
  );
  await primary.up();
  const socket = ".s.PGSQL.5432";
  const lead = async (to: TestCluster) => {
    await Deno.link(`${to.socketFolder}/${socket}`, `${address}/next`);
    await Deno.rename(`${address}/next`, `${address}/${socket}`);
  };
  await lead(primary);
  const owned = undo.move();
  return {
    primary,
    standby,
    address,
    moveAddress: () => lead(standby),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
