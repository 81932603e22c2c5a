/** A peer is online while its last handshake is younger: WireGuard itself ends a session after so long. */
export const onlineMs = 180_000;
