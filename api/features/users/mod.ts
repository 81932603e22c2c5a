import type { Deps } from "../../deps.ts";
import { createRouter, type Router } from "../../openapi.ts";
import { requireFactor, resetFactor } from "../mfa/mod.ts";
import { userRoles } from "../roles/mod.ts";
import { acceptInvitation } from "./accept_invitation.ts";
import { createUser } from "./create_user.ts";
import { importUser } from "./import_user.ts";
import { endUserSessions } from "./end_user_sessions.ts";
import { createInvitation, getInvitations, withdrawInvitation } from "./invitations.ts";
import { getOneself, getUser, getUsers } from "./read_users.ts";
import { activateUser, deactivateUser, deleteUser, verifyUser } from "./switch_user.ts";
import { unlockUser } from "./unlock_user.ts";
import { updateOneself, updateUser } from "./update_user.ts";

export {
  answerInvited,
  invitationChoice,
  invitationDelivery,
  invite,
  type Invited,
  invitedSchema,
  repeatInvitation,
} from "./invite.ts";
export { locale, userName } from "./schemas.ts";
export { spendInvitation } from "./drop_invitation.ts";
export { clearEndedInvitations, findInvitation, findOpenInvitation } from "./invitation_store.ts";
export { insertUser, isUser } from "./store.ts";

/** `/api/v1/users`: the tenant's users, and invitations to become one. */
export function usersFeature(deps: Deps): Router {
  const router = createRouter();
  // Before those with an id in the same place.
  getOneself(router, deps);
  updateOneself(router, deps);
  createInvitation(router, deps);
  getInvitations(router, deps);
  withdrawInvitation(router, deps);
  acceptInvitation(router, deps);
  createUser(router, deps);
  importUser(router, deps);
  getUsers(router, deps);
  getUser(router, deps);
  updateUser(router, deps);
  deleteUser(router, deps);
  verifyUser(router, deps);
  activateUser(router, deps);
  deactivateUser(router, deps);
  unlockUser(router, deps);
  endUserSessions(router, deps);
  resetFactor(router, deps);
  requireFactor(router, deps);
  userRoles(router, deps);
  return router;
}
