// Made from docs/openapi.json by `deno task openapi`.
export interface paths {
    "/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What this is
         * @description Needs no credentials. Limited by source alone.
         */
        get: operations["getRoot"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Liveness: the process answers
         * @description Needs no credentials. Limited by source alone.
         */
        get: operations["getHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/.well-known/jwks.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The public keys that access tokens can be verified with (RFC 7517)
         * @description Needs no credentials. Rate limit: `anonymous`.
         */
        get: operations["getSigningKeys"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Readiness: requests can be served
         * @description Needs no credentials. Rate limit: `anonymous`.
         */
        get: operations["getReadiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/info": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The API, and the caller as the tunnel sees it
         * @description Needs no credentials. Rate limit: `anonymous`.
         */
        get: operations["getInfo"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Log in with e-mail and password
         * @description Whatever is wrong, the answer is one and takes one time. After failures an attempt waits, may have to show work (403 `challenge_required`), and is locked for a while, for this account by this way alone.
         *
         *     Needs no credentials. Rate limit: `login`.
         */
        post: operations["login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/login/mfa": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Complete a log-in by a code
         * @description The app's code or a recovery code, through the very peer that the log-in began on, within five minutes of it.
         *
         *     Needs no credentials. Rate limit: `anonymous`.
         */
        post: operations["completeLogin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Exchange a refresh token for the next pair
         * @description A parent token stays good until its child was first presented, or for 10 s after; anything older ends the session.
         *
         *     Needs no credentials. Rate limit: `anonymous`.
         */
        post: operations["refresh"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * End this session, all sessions, or all others
         * @description Needs a session, and no permission. Rate limit: `authenticated`.
         */
        post: operations["logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The caller
         * @description Needs a session, and no permission. Rate limit: `authenticated`.
         */
        get: operations["whoAmI"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/verify-token": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Whether an access token is good at this moment, and what it says
         * @description Looks the session up as any request with the token would. Any other token, ended, foreign or of another type, is `{active: false}`.
         *
         *     Needs no credentials. Rate limit: `anonymous`.
         */
        post: operations["verifyToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/change-password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Change one's own password
         * @description Ends every other session. A wrong current password counts, waits, has to show work (403 `challenge_required`) and locks as a failed log-in does.
         *
         *     Needs a session, and no permission. Needs a step-up within the last five minutes. Rate limit: `authenticated`.
         */
        post: operations["changePassword"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/step-up": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Show one's strongest factor again, for what asks for it within the next five minutes
         * @description Whoever has a second factor shows a code of it, or a recovery code; the password is for those who have none, and is taken as often as a log-in; a wrong one counts, waits, has to show work (403 `challenge_required`) and locks as a failed log-in does.
         *
         *     Needs a session, and no permission. Rate limit: `authenticated`.
         */
        post: operations["stepUp"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/mfa/reseal": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Seal every second factor under the newest key
         * @description Permission: `platform.tenants`. Rate limit: `authenticated`.
         */
        post: operations["resealFactors"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/mfa/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One's second factor
         * @description Needs a session, and no permission. Rate limit: `authenticated`.
         */
        get: operations["getFactorStatus"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/mfa/setup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Begin to set up a second factor, the first one or another in its place
         * @description Takes an access token with a fresh step-up, or the `mfa_setup_token` of a log-in. Until `/mfa/enable` the new secret protects nothing, and one that is in place stays so. It ends after 15 minutes, or with the next call.
         *
         *     Needs a session, and no permission. Needs a step-up within the last five minutes. Rate limit: `authenticated`.
         */
        post: operations["setUpFactor"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/mfa/enable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Put the second factor in place, by its first code
         * @description The code is used up by this. All other sessions of the user end, and trust in devices. With an `mfa_setup_token` it completes the log-in, and answers its tokens as well.
         *
         *     Needs a session, and no permission. Rate limit: `authenticated`.
         */
        post: operations["enableFactor"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/mfa/disable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take one's second factor away
         * @description By password and code, an app's or a recovery code; as often as a log-in. All other sessions of the user end, and trust in devices. Where a second factor is demanded, `/mfa/setup` puts another in its place.
         *
         *     Needs a session, and no permission. Needs a step-up within the last five minutes. Rate limit: `authenticated`.
         */
        post: operations["disableFactor"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/mfa/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Show a code of the app
         * @description Needs a session, and no permission. Rate limit: `authenticated`.
         */
        post: operations["verifyCode"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/mfa/recovery/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Show a recovery code, which uses it up
         * @description Needs a session, and no permission. Rate limit: `authenticated`.
         */
        post: operations["verifyRecoveryCode"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/mfa/recovery/regenerate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Get ten new recovery codes; all that there were end
         * @description Needs a session, and no permission. Needs a step-up within the last five minutes. Rate limit: `authenticated`.
         */
        post: operations["regenerateRecoveryCodes"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/mfa/trusted-devices": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Devices that log one in without a code, newest first
         * @description Needs a session, and no permission. Rate limit: `authenticated`.
         */
        get: operations["listTrustedDevices"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/mfa/trusted-devices/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Trust a device no longer
         * @description Needs a session, and no permission. Rate limit: `authenticated`.
         */
        delete: operations["distrustDevice"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/encryption/reseal": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Seal all that is sealed under the newest keys
         * @description What was sealed anew stays so: asked again after it was cut off, it goes on.
         *
         *     Permission: `platform.tenants`. Rate limit: `authenticated`.
         */
        post: operations["resealAll"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/register": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ask for an account of one's own
         * @description Where the tenant has it so. There is a user, with the role `user`, once the link in the mail was confirmed. Answered alike whether the address has an account or not; who has one is told so by mail.
         *
         *     Needs no credentials. Rate limit: `login`.
         */
        post: operations["register"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/verify-email": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Prove an address, or confirm a registration, with a token that was mailed
         * @description A token that is unknown, used, replaced or too old is 404 alike, and so is a registration that the tenant would not take by now. An invitation of the address is spent by it, its enrolment peer with it.
         *
         *     Needs no credentials. Rate limit: `login`.
         */
        post: operations["verifyEmail"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/verify-email/resend": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Have the link that proves one's address sent again
         * @description Answered alike, and at one time, whether there is anything to prove or not.
         *
         *     Needs no credentials. Rate limit: `login`.
         */
        post: operations["resendVerification"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/password-reset/request": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Have a link for a new password sent to one's address
         * @description Answered alike, and at one time, whether there is such a user or not. The link is good for 30 minutes; asking again by the same way (a peer of the user's own, or any other) voids the one before.
         *
         *     Needs no credentials. Rate limit: `login`.
         */
        post: operations["requestPasswordReset"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/password-reset/validate/{token}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether a link for a new password is good; it stays so
         * @description Needs no credentials. Rate limit: `anonymous`.
         */
        get: operations["validatePasswordReset"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/password-reset/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Set a new password with a token that was mailed
         * @description Ends every session of the user and uses the token up. It logs nobody in: a second factor is asked for as ever.
         *
         *     Needs no credentials. Rate limit: `login`.
         */
        post: operations["confirmPasswordReset"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sessions/revoke-all": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * End every session of one tenant, or of all
         * @description With them end log-ins between their two steps, trust in devices, and links for a new password.
         *
         *     Permission: `platform.tenants`. Rate limit: `authenticated`.
         */
        post: operations["revokeAllSessions"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One's own sessions, newest first
         * @description Needs a session, and no permission. Rate limit: `authenticated`.
         */
        get: operations["listSessions"];
        put?: never;
        post?: never;
        /**
         * End all of one's own sessions, or all others
         * @description Needs a session, and no permission. Rate limit: `authenticated`.
         */
        delete: operations["endSessions"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One of one's own sessions
         * @description Needs a session, and no permission. Rate limit: `authenticated`.
         */
        get: operations["getSession"];
        put?: never;
        post?: never;
        /**
         * End one of one's own sessions
         * @description Needs a session, and no permission. Rate limit: `authenticated`.
         */
        delete: operations["endSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/api-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One's own keys, or with `api_keys.read` everybody's; oldest first
         * @description Needs a session, and no permission. Rate limit: `authenticated`.
         */
        get: operations["listApiKeys"];
        put?: never;
        /**
         * Make an API key; it is shown this once
         * @description Needs a session, and no permission. Needs a step-up within the last five minutes. Rate limit: `authenticated`.
         */
        post: operations["createApiKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/api-keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One key, with what it was used for in the last 30 days
         * @description Its usage is the newest 200 rows; /usage has all of them.
         *
         *     Needs a session, and no permission. Rate limit: `authenticated`.
         */
        get: operations["getApiKey"];
        put?: never;
        post?: never;
        /**
         * Revoke a key: one's own, or with `api_keys.write` anybody's
         * @description Needs a session, and no permission. Rate limit: `authenticated`.
         */
        delete: operations["revokeApiKey"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/api-keys/{id}/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What a key was used for, by day (UTC) and operation
         * @description Needs a session, and no permission. Rate limit: `authenticated`.
         */
        get: operations["getApiKeyUsage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/api-keys/{id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Give one's own key a new secret; the one before stays good for a while
         * @description Needs a session, and no permission. Needs a step-up within the last five minutes. Rate limit: `authenticated`.
         */
        post: operations["rotateApiKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Oneself
         * @description Needs a session, and no permission. Rate limit: `authenticated`.
         */
        get: operations["getOneself"];
        /**
         * Change one's own name, language and phone number
         * @description Fields that are left out stay. The address is an admin's to change.
         *
         *     Needs a session, and no permission. Rate limit: `authenticated`.
         */
        put: operations["updateOneself"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/invitations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Invitations that nobody accepted yet, newest first
         * @description Permission: `users.read`. Rate limit: `authenticated`.
         */
        get: operations["listInvitations"];
        put?: never;
        /**
         * Invite somebody to become a user
         * @description Good for 24 hours, once. Its role cannot exceed what the inviter may do, and not at acceptance either.
         *
         *     Permission: `users.write`. Rate limit: `authenticated`.
         */
        post: operations["createInvitation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/invitations/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Withdraw an invitation and its enrolment peer
         * @description Permission: `users.write`. Rate limit: `authenticated`.
         */
        delete: operations["withdrawInvitation"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/invitations/accept": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Accept an invitation: become a user, and get a permanent peer
         * @description User, role and peer are made together or not at all. The enrolment peer ends half a minute later, so that this answer arrives. A token that is unknown, used, withdrawn or too old, or whose inviter may not invite to that role any more, is 404 alike.
         *
         *     Needs no credentials. Rate limit: `login`.
         */
        post: operations["acceptInvitation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the tenant's users
         * @description Permission: `users.read`. Rate limit: `authenticated`.
         */
        get: operations["listUsers"];
        put?: never;
        /**
         * Create a user with a random password
         * @description An invitation of the same address is withdrawn.
         *
         *     Permission: `users.write`. Rate limit: `authenticated`.
         */
        post: operations["createUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/import": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take a user over from another system, with the bcrypt hash of his password
         * @description The log-in that proves the password replaces the hash.
         *
         *     Permission: `platform.tenants`. Rate limit: `authenticated`.
         */
        post: operations["importUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One user
         * @description Permission: `users.read`. Rate limit: `authenticated`.
         */
        get: operations["getUser"];
        /**
         * Change a user
         * @description Fields that are left out stay. Another address is unproven, and has to be verified again. Over users who may do more than the caller nobody decides. An address takes a step-up, and users.security where its user may do as much as the caller: a link for a new password would go there.
         *
         *     Permission: `users.write`. Rate limit: `authenticated`.
         */
        put: operations["updateUser"];
        post?: never;
        /**
         * Remove a user for good, with sessions, API keys and peers
         * @description The audit log keeps what he did. Needs a step-up.
         *
         *     Permission: `users.write`. Needs a step-up within the last five minutes. Rate limit: `authenticated`.
         */
        delete: operations["deleteUser"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{id}/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take a user's address as proven
         * @description Permission: `users.write`. Rate limit: `authenticated`.
         */
        post: operations["verifyUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{id}/activate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Let a user in again; his peers return to the interface
         * @description Permission: `users.write`. Rate limit: `authenticated`.
         */
        post: operations["activateUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{id}/deactivate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * End a user's sessions and tunnels, and let him in no more
         * @description Permission: `users.write`. Rate limit: `authenticated`.
         */
        post: operations["deactivateUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{id}/unlock": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Lift the locks that failed log-ins and codes put on a user, by whatever way they came
         * @description Permission: `users.security`. Rate limit: `authenticated`.
         */
        post: operations["unlockUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{id}/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * End every session of a user, the trust in his devices, and a mailed link for a new password
         * @description For a device that is lost, or a password that somebody else may have: he logs in again, with his second factor where he has one. API keys and tunnels go on.
         *
         *     Permission: `users.security`. Rate limit: `authenticated`.
         */
        delete: operations["endUserSessions"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{id}/mfa/reset": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take away the second factor of somebody who lost it
         * @description Never one's own, and of nobody who may do more than oneself. Ends all of the user's sessions and the trust in his devices, lifts locks, and tells him by mail, with the reason.
         *
         *     Permission: `users.security`. Needs a step-up within the last five minutes. Rate limit: `authenticated`.
         */
        post: operations["resetFactor"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{id}/mfa": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Demand a second factor of a user, or demand it no longer
         * @description Whoever has none is refused from his next request on, and sets one up when he logs in.
         *
         *     Permission: `users.security`. Needs a step-up within the last five minutes. Rate limit: `authenticated`.
         */
        put: operations["requireFactor"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{id}/roles": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The roles of a user, those that ended included
         * @description Permission: `roles.read`. Rate limit: `authenticated`.
         */
        get: operations["listUserRoles"];
        put?: never;
        /**
         * Give a user a role, or another end to one that he has
         * @description Takes what the role permits, for at least as long, and over no user who may do more than the caller. A user has at most 20, those that ended included until they are taken away.
         *
         *     Permission: `roles.write`. Rate limit: `authenticated`.
         */
        post: operations["giveRole"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{id}/roles/{role_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Take a role from a user; what it permitted ends at once
         * @description Takes a step-up where the role demands a second factor; whose own it is does not take it then.
         *
         *     Permission: `roles.write`. Rate limit: `authenticated`.
         */
        delete: operations["takeRole"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/roles": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The tenant's roles, those of the system first
         * @description Permission: `roles.read`. Rate limit: `authenticated`.
         */
        get: operations["listRoles"];
        put?: never;
        /**
         * Make a role
         * @description It can permit what its maker may do himself, for good, and nothing more. A tenant makes at most 100.
         *
         *     Permission: `roles.write`. Rate limit: `authenticated`.
         */
        post: operations["createRole"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/roles/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One role
         * @description Permission: `roles.read`. Rate limit: `authenticated`.
         */
        get: operations["getRole"];
        /**
         * Replace what a role is
         * @description Takes every permission that the role has before or after: nobody widens or narrows what he could not give. To demand a second factor no longer takes a step-up.
         *
         *     Permission: `roles.write`. Rate limit: `authenticated`.
         */
        put: operations["updateRole"];
        post?: never;
        /**
         * Remove a role that nobody has
         * @description Permission: `roles.write`. Rate limit: `authenticated`.
         */
        delete: operations["removeRole"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/permissions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Everything that can be permitted
         * @description Permission: `roles.read`. Rate limit: `authenticated`.
         */
        get: operations["listPermissions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tenants": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List tenants, oldest first
         * @description Permission: `platform.tenants`. Rate limit: `authenticated`.
         */
        get: operations["listTenants"];
        put?: never;
        /**
         * Create a tenant, and invite its first admin
         * @description Permission: `platform.tenants`. Rate limit: `authenticated`.
         */
        post: operations["createTenant"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tenants/current": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The caller's tenant and its settings
         * @description Permission: `tenant.read`. Rate limit: `authenticated`.
         */
        get: operations["getCurrentTenant"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Change the settings of the caller's tenant
         * @description Fields that are left out stay; null puts a field back to its default. To demand a second factor of fewer users takes a step-up; of whom it is demanded and who has none is refused from his next request on, and sets one up when he logs in.
         *
         *     Permission: `tenant.write`. Rate limit: `authenticated`.
         */
        patch: operations["updateCurrentTenant"];
        trace?: never;
    };
    "/api/v1/tenants/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One tenant, with what the operator sets for it
         * @description Permission: `platform.tenants`. Rate limit: `authenticated`.
         */
        get: operations["getTenant"];
        put?: never;
        post?: never;
        /**
         * Remove a suspended tenant and all of its data but the audit log
         * @description Its peers go first, for good. 202 means that the daemon has not proven yet that their keys are off the interface, and that nothing else is gone: ask again. Needs a step-up.
         *
         *     Permission: `platform.tenants`. Needs a step-up within the last five minutes. Rate limit: `authenticated`.
         */
        delete: operations["deleteTenant"];
        options?: never;
        head?: never;
        /**
         * Change what the operator sets for a tenant
         * @description Fields that are left out stay.
         *
         *     Permission: `platform.tenants`. Rate limit: `authenticated`.
         */
        patch: operations["updateTenant"];
        trace?: never;
    };
    "/api/v1/tenants/{id}/suspend": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take a tenant's peers off the interface, and refuse its users
         * @description Nothing is lost: sessions and peers go on when it is resumed.
         *
         *     Permission: `platform.tenants`. Rate limit: `authenticated`.
         */
        post: operations["suspendTenant"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tenants/{id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Let a suspended tenant go on
         * @description Permission: `platform.tenants`. Rate limit: `authenticated`.
         */
        post: operations["resumeTenant"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the tenant's audit entries, newest first
         * @description A search by anything but `request_id` and time looks at 20,000 entries: a page with few of them or none is the last one where `next_cursor` is null.
         *
         *     Permission: `audit.read`. Rate limit: `authenticated`.
         */
        get: operations["listAuditEntries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Export the tenant's audit entries, oldest first
         * @description Streamed; the export itself is audited. Two of a tenant at a time. A line of `ndjson` has the entry in the very bytes that are hashed, and its seal. An answer that is cut off is not complete.
         *
         *     Permission: `audit.export`. Needs a step-up within the last five minutes. Rate limit: `authenticated`.
         */
        get: operations["exportAudit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Recompute the tenant's audit chain
         * @description Takes seconds where there are many entries. Against whoever owns the database it proves what the receipts prove that you kept elsewhere, or the operator's `deno task audit:verify`.
         *
         *     Permission: `audit.read`. Rate limit: `authenticated`.
         */
        get: operations["verifyAudit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wireguard/peers/bulk": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Create up to 1,000 peers, all or none
         * @description `Accept: application/zip` answers the client files as an archive. QR codes come with single peers only. At most 60 a minute and tenant.
         *
         *     Permission: `wireguard.write`. Rate limit: `authenticated`.
         */
        post: operations["createPeersInBulk"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wireguard/peers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the tenant's peers
         * @description Permission: `wireguard.read`. Rate limit: `authenticated`.
         */
        get: operations["listPeers"];
        put?: never;
        /**
         * Create a peer and return its client configuration
         * @description `Accept: text/plain` answers the .conf as a download, `image/svg+xml` or `image/png` its QR code. Secrets are shown this once.
         *
         *     Permission: `wireguard.write`. Rate limit: `authenticated`.
         */
        post: operations["createPeer"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wireguard/peers/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read one peer
         * @description Permission: `wireguard.read`. Rate limit: `authenticated`.
         */
        get: operations["getPeer"];
        put?: never;
        post?: never;
        /**
         * Remove a peer for good
         * @description Permission: `wireguard.write`. Rate limit: `authenticated`.
         */
        delete: operations["deletePeer"];
        options?: never;
        head?: never;
        /**
         * Change a peer
         * @description Fields that are left out stay; null puts a field back to its default. What shapes the client's file reaches the client with its next file.
         *
         *     Permission: `wireguard.write`. Rate limit: `authenticated`.
         */
        patch: operations["updatePeer"];
        trace?: never;
    };
    "/api/v1/wireguard/peers/{id}/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What a peer sent and received, whether it is online, and when it came and went
         * @description Permission: `wireguard.read`. Rate limit: `authenticated`.
         */
        get: operations["getPeerStats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wireguard/peers/{id}/enable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Put a disabled peer back on the interface
         * @description Permission: `wireguard.write`. Rate limit: `authenticated`.
         */
        post: operations["enablePeer"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wireguard/peers/{id}/disable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take a peer off the interface, keeping its keys and address
         * @description Permission: `wireguard.write`. Rate limit: `authenticated`.
         */
        post: operations["disablePeer"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wireguard/peers/{id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Give a peer new keys at its old address
         * @description The new key stands beside the old one until its first handshake, and takes over the address then, in one step. A peer that is not on the interface changes its key at once.
         *
         *     Permission: `wireguard.write`. Rate limit: `authenticated`.
         */
        post: operations["rotatePeer"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wireguard/peers/{id}/move": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Move a peer to another gateway, with a new address and new keys
         * @description The client needs the new file. The old key is taken off the old gateway: until that was read back, `moved_from` says so, and its old address is held. A quota that is used up does not hold a move back, while each gateway gives a tenant no more addresses than the quota. The peer is never at one address on both.
         *
         *     Permission: `wireguard.write`. Rate limit: `authenticated`.
         */
        post: operations["movePeer"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wireguard/me/peers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List your own peers
         * @description Needs a session, and no permission. Rate limit: `authenticated`.
         */
        get: operations["listOwnPeers"];
        put?: never;
        /**
         * Create a peer and return its client configuration
         * @description `Accept: text/plain` answers the .conf as a download, `image/svg+xml` or `image/png` its QR code. Secrets are shown this once.
         *
         *     Needs a session, and no permission. Rate limit: `authenticated`.
         */
        post: operations["createOwnPeer"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wireguard/me/peers/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read one peer
         * @description Needs a session, and no permission. Rate limit: `authenticated`.
         */
        get: operations["getOwnPeer"];
        put?: never;
        post?: never;
        /**
         * Remove a peer for good
         * @description Needs a session, and no permission. Rate limit: `authenticated`.
         */
        delete: operations["deleteOwnPeer"];
        options?: never;
        head?: never;
        /**
         * Change a peer
         * @description Fields that are left out stay; null puts a field back to its default. What shapes the client's file reaches the client with its next file.
         *
         *     Needs a session, and no permission. Rate limit: `authenticated`.
         */
        patch: operations["updateOwnPeer"];
        trace?: never;
    };
    "/api/v1/wireguard/me/peers/{id}/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What a peer sent and received, whether it is online, and when it came and went
         * @description Needs a session, and no permission. Rate limit: `authenticated`.
         */
        get: operations["getOwnPeerStats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wireguard/me/peers/{id}/enable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Put a disabled peer back on the interface
         * @description Needs a session, and no permission. Rate limit: `authenticated`.
         */
        post: operations["enableOwnPeer"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wireguard/me/peers/{id}/disable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take a peer off the interface, keeping its keys and address
         * @description Needs a session, and no permission. Rate limit: `authenticated`.
         */
        post: operations["disableOwnPeer"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wireguard/me/peers/{id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Give a peer new keys at its old address
         * @description The new key stands beside the old one until its first handshake, and takes over the address then, in one step. A peer that is not on the interface changes its key at once.
         *
         *     Needs a session, and no permission. Rate limit: `authenticated`.
         */
        post: operations["rotateOwnPeer"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wireguard/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Fetch a client's file, once
         * @description With a public key of your own the peer gets that key instead, and its file has no private one. Through an enrolment peer, that peer ends half a minute later.
         *
         *     Needs no credentials. Rate limit: `login`.
         */
        post: operations["redeemDelivery"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wireguard/gateways": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the gateways that peers can be on, and which of them live
         * @description Permission: `wireguard.read`. Rate limit: `authenticated`.
         */
        get: operations["listGateways"];
        put?: never;
        /**
         * Reserve number, name and network of one more gateway
         * @description It takes peers once its daemon was started with the settings in the answer, and has published its key.
         *
         *     Permission: `platform.wireguard`. Rate limit: `authenticated`.
         */
        post: operations["announceGateway"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wireguard/gateways/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Take a gateway out of use, for good
         * @description Refused while any peer, or a key that has not been read back gone, is on it: move or remove those first. Number, name and network are not given again, because receipts name them.
         *
         *     Permission: `platform.wireguard`. Rate limit: `authenticated`.
         */
        delete: operations["retireGateway"];
        options?: never;
        head?: never;
        /**
         * Let new peers come to a gateway, or no more; those that are there stay
         * @description Permission: `platform.wireguard`. Rate limit: `authenticated`.
         */
        patch: operations["changeGateway"];
        trace?: never;
    };
    "/api/v1/wireguard/gateways/{id}/key-announcement": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Tell the admins of all tenants by mail that a gateway's key will change, and when
         * @description A mail to each active admin of each tenant with peers on it, in that user's language. Tenants that were told the same already are passed over: asked again after it was cut off, it goes on.
         *
         *     Permission: `platform.wireguard`. Rate limit: `authenticated`.
         */
        post: operations["announceGatewayKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wireguard/held-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List keys on the interface that no row explains
         * @description Permission: `platform.wireguard`. Rate limit: `authenticated`.
         */
        get: operations["listHeldKeys"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wireguard/held-keys/release": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Let the daemon take off keys that no row explains
         * @description A key that gets a row in the meantime stays. Audited under the platform's tenant, because the key is no tenant's.
         *
         *     Permission: `platform.wireguard`. Rate limit: `authenticated`.
         */
        post: operations["releaseHeldKeys"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wireguard/peers/{id}/explain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Say what is desired, applied and observed of a peer, and why
         * @description A peer whose row is gone is answered from its receipts, as long as there is one; then it is unknown.
         *
         *     Permission: `wireguard.read`. Rate limit: `authenticated`.
         */
        get: operations["explainPeer"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wireguard/receipts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the receipts of what was read back gone, newest first
         * @description Kept for 400 days. What exactly is signed stands in docs/decisions/0025-receipts.md.
         *
         *     Permission: `wireguard.read`. Rate limit: `authenticated`.
         */
        get: operations["listReceipts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wireguard/import": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take over the peers of another WireGuard server, with their keys and addresses
         * @description Everything that can be taken is, in one transaction; what cannot is answered with its reason. Without `apply` the same is done and rolled back. No client file is made: the clients have theirs.
         *
         *     Permission: `platform.wireguard`. Rate limit: `authenticated`.
         */
        post: operations["importPeers"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wireguard/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * The server's side of a tenant's peers on one gateway, for another WireGuard server
         * @description The gateway's private key is not known here: it never leaves its host. Audited, with or without secrets.
         *
         *     Permission: `platform.wireguard`. Rate limit: `authenticated`.
         */
        post: operations["exportPeers"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wireguard/policy": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What the tenant's peers reach beyond the API, and whether that is in force
         * @description Permission: `wireguard.read`. Rate limit: `authenticated`.
         */
        get: operations["getPolicy"];
        /**
         * Set what the tenant's peers reach beyond the API
         * @description Replaces all of it. Closing ends established flows, too. The answer waits, within bounds, for the daemons of the tenant's gateways, and says what became of it on each.
         *
         *     Permission: `wireguard.write`. Rate limit: `authenticated`.
         */
        put: operations["replacePolicy"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wireguard/grants": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List what the operator lets the tenant open, oldest first
         * @description Permission: `wireguard.read`. Rate limit: `authenticated`.
         */
        get: operations["listGrants"];
        put?: never;
        /**
         * Let a tenant open a destination for its peers
         * @description Opens nothing by itself. A grant is never changed: withdraw it, and what rests on it goes with it.
         *
         *     Permission: `platform.wireguard`. Rate limit: `authenticated`.
         */
        post: operations["createGrant"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wireguard/grants/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Withdraw a grant, and close at once what rests on it
         * @description Permission: `platform.wireguard`. Rate limit: `authenticated`.
         */
        delete: operations["withdrawGrant"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wireguard/pool": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Addresses used, resting and free: the tenant's own, or all for the operator
         * @description Permission: `wireguard.read`. Rate limit: `authenticated`.
         */
        get: operations["getPool"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wireguard/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The interface, the daemon behind it, and the tenant's peers in numbers
         * @description Permission: `wireguard.read`. Rate limit: `authenticated`.
         */
        get: operations["getGatewayStatus"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        AddressPool: {
            /** Format: int64 */
            gateway_id: number;
            network: string;
            /**
             * Format: int64
             * @description Addresses of this gateway that peers of all tenants may hold
             */
            size: number;
            /**
             * Format: int64
             * @description For a tenant: on all gateways, as its quota counts
             */
            used: number;
            /**
             * Format: int64
             * @description Released, and not given out again yet; for a tenant, on all gateways
             */
            resting: number;
            /**
             * Format: int64
             * @description For a tenant: what it can take of this gateway yet, within its quota and what all others left
             */
            free: number;
            /** @description Addresses the tenant may hold, resting ones included; null for the whole pool */
            quota: number | null;
        };
        AnnouncedGateway: {
            gateway: components["schemas"]["Gateway"];
            /**
             * @description What its daemon, and the API beside it, are to be started with
             * @example {
             *       "WG_INTERFACE_ID": "2",
             *       "WG_INTERFACE": "wg1",
             *       "WG_NETWORK": "192.168.77.0/24"
             *     }
             */
            settings: {
                [key: string]: string;
            };
        };
        ApiKey: {
            /** Format: uuid */
            id: string;
            name: string;
            prefix: string;
            /** Format: int64 */
            user_id: number;
            scopes: string[];
            allowed_peers: string[] | null;
            rate_limit: number | null;
            /**
             * Format: date-time
             * @example 2026-01-31T12:00:00.000Z
             */
            created_at: string;
            /** @example 2026-01-31T12:00:00.000Z */
            expires_at: string | null;
            /** @example 2026-01-31T12:00:00.000Z */
            revoked_at: string | null;
            /**
             * @description True to some seconds
             * @example 2026-01-31T12:00:00.000Z
             */
            last_used_at: string | null;
            /** @example 2026-01-31T12:00:00.000Z */
            previous_secret_until: string | null;
        };
        ApiKeyUsage: {
            /** Format: date */
            day: string;
            endpoint: string;
            /** Format: int64 */
            requests: number;
            /** Format: int64 */
            errors: number;
        };
        AuditEntry: {
            /** Format: int64 */
            id: number;
            /**
             * Format: date-time
             * @example 2026-01-31T12:00:00.000Z
             */
            at: string;
            /** @enum {string} */
            actor: "user" | "api_key" | "operator" | "daemon" | "anonymous";
            actor_user_id: number | null;
            action: string;
            /** @enum {string} */
            outcome: "succeeded" | "refused" | "failed";
            target: {
                type: string;
                id: string | null;
            } | null;
            request_id: string | null;
            peer_id: string | null;
            address: string | null;
            details: {
                [key: string]: unknown;
            };
            /** @description Its place in the tenant's chain; null until it is sealed, within a second */
            seal: {
                /** Format: int64 */
                seq: number;
                /** @description SHA-256 in hex */
                hash: string;
            } | null;
        };
        AuditVerification: {
            intact: boolean;
            /**
             * Format: date-time
             * @example 2026-01-31T12:00:00.000Z
             */
            checked_at: string;
            /**
             * Format: int64
             * @description Links of the chain that were recomputed
             */
            links: number;
            end: {
                /** Format: int64 */
                seq: number;
                /** @description SHA-256 in hex */
                hash: string;
            } | null;
            /**
             * Format: int64
             * @description Entries past their retention, whose links remain
             */
            dropped: number;
            /**
             * Format: int64
             * @description Entries sealed more than a minute after the time they give: an outage, or an insertion
             */
            late: number;
            /**
             * Format: int64
             * @description Entries older than a minute without a seal
             */
            unsealed: number;
            /** Format: int64 */
            fault_count: number;
            /** @description The first hundred */
            faults: {
                /** @enum {string} */
                kind: "altered" | "missing" | "broken" | "gap" | "truncated" | "rewritten";
                /** Format: int64 */
                seq: number;
                entry_id: string | null;
            }[];
            /** @description The newest; null before the first */
            checkpoint: {
                /** Format: int64 */
                n: number;
                /**
                 * Format: date-time
                 * @example 2026-01-31T12:00:00.000Z
                 */
                at: string;
                /**
                 * Format: int64
                 * @description The link that it names
                 */
                seq: number;
                /** @description The proof leads to its root, and the root is signed by the key that it gives */
                holds: boolean;
                /** @description The signed checkpoint with the tenant's proof. Keep it elsewhere: it holds against any later rewrite */
                receipt: {
                    [key: string]: unknown;
                };
            } | null;
        };
        CompletedLogin: {
            access_token: string;
            refresh_token: string;
            /** @constant */
            token_type: "Bearer";
            /**
             * Format: int64
             * @description Seconds until the access token ends
             */
            expires_in: number;
            /** @description For `trusted_device` of later log-ins through the same peer, for 30 days; only where it was asked for and the tenant lets devices be trusted */
            trusted_device?: string;
        };
        CurrentTenant: {
            /** Format: int64 */
            id: number;
            slug: string;
            name: string;
            /** @enum {string} */
            status: "active" | "suspended";
            is_platform: boolean;
            /**
             * Format: date-time
             * @example 2026-01-31T12:00:00.000Z
             */
            created_at: string;
            wireguard: {
                /** @description What the client routes into the tunnel; the tenant's default, or the API and the gateway, where absent. The server routes to a peer its own address and nothing else. */
                client_allowed_ips: (string)[] | null;
                dns: (string)[] | null;
                mtu: number | null;
                persistent_keepalive: number | null;
                /** @description Where new peers go while it is up; null for the gateway that has the most free addresses */
                gateway_id: number | null;
            };
            /**
             * Format: int64
             * @description Peers a user may make in self-service
             */
            user_peer_quota: number;
            /** @description A user logs in through a peer of his own, and through no other */
            login_own_peer: boolean;
            /** @description Sessions that a user may have at a time; the one unused for longest ends. Null: any number */
            session_limit: number | null;
            /** @description How long a session lives without being refreshed; null, and at most: the server's setting */
            session_idle_seconds: number | null;
            /** @description How long a session lives at all; null, and at most: the server's setting */
            session_lifetime_seconds: number | null;
            /**
             * @description Of whom a second factor is demanded, beside the users and roles of whom it is demanded by themselves
             * @enum {string}
             */
            mfa_required: "off" | "admins" | "all";
            /** @description A user may have a device trusted for 30 days; false takes back the trust in all, for good */
            mfa_trusted_devices: boolean;
            /**
             * @description What a new password must have. composition: 8 characters of four kinds; length: 15 of any kind
             * @enum {string}
             */
            password_policy: "composition" | "length";
            /**
             * @description Who may register: nobody, whoever has an open invitation, or everybody
             * @enum {string}
             */
            registration: "off" | "invite" | "open";
            /** @description Addresses the tenant may hold, those of removed peers included until they have rested; the operator sets it. Null: the share of the pool that WG_TENANT_SHARE gives */
            peer_quota: number | null;
        };
        Gateway: {
            /**
             * Format: int32
             * @description WG_INTERFACE_ID of its daemon
             */
            id: number;
            name: string;
            /** @description host:port that clients dial */
            endpoint: string;
            network: string;
            network6: string | null;
            /** @description Null until its daemon was started once */
            public_key: string | null;
            /**
             * @description `up`: its daemon has a session at the database and has read its interface back within a minute; `stalled`: a session alone; `down`: no session, while the tunnel may go on as it was; `announced`: its daemon was never started; `retired`: out of use
             * @enum {string}
             */
            state: "up" | "stalled" | "down" | "announced" | "retired";
            /** @description Whether new peers may come; those that are there stay */
            accepts_peers: boolean;
            /**
             * @description As its daemon says while it lives; null otherwise
             * @example 2026-01-31T12:00:00.000Z
             */
            last_read_back_at: string | null;
            /** @description Of all tenants, for the operator; null for everybody else */
            addresses: {
                /** Format: int64 */
                size: number;
                /** Format: int64 */
                used: number;
                /** Format: int64 */
                free: number;
            } | null;
        };
        HeldKey: {
            /** Format: int64 */
            gateway_id: number;
            public_key: string;
            /**
             * @description `vanished`: its row went without a tombstone; `adopted`: it was there before the daemon could know; `foreign`: added by hand, and about to be taken off unless the table is empty; `released`: decided over, and about to be taken off
             * @enum {string}
             */
            why: "vanished" | "adopted" | "foreign" | "released";
            allowed_ips: string[];
            endpoint: string | null;
            /** @example 2026-01-31T12:00:00.000Z */
            last_handshake_at: string | null;
            received_bytes: number;
            sent_bytes: number;
        };
        Invitation: {
            /** Format: uuid */
            id: string;
            email: string;
            name: string;
            /** @enum {string} */
            locale: "en" | "fr";
            role: string;
            /** @description The user; null for the operator */
            invited_by: number | null;
            /** @description Its enrolment peer */
            peer_id: string | null;
            /** @enum {string} */
            status: "pending" | "expired";
            /**
             * Format: date-time
             * @example 2026-01-31T12:00:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @example 2026-01-31T12:00:00.000Z
             */
            expires_at: string;
        };
        KeyAnnouncement: {
            /**
             * Format: int64
             * @description Tenants with peers on the gateway
             */
            tenants: number;
            /**
             * Format: int64
             * @description Queued now, one an admin
             */
            mails: number;
            /** @description Tenants with peers and without an active admin: nobody was told */
            without_admin: number[];
        };
        Me: {
            /** Format: int64 */
            id: number;
            email: string;
            name: string;
            roles: string[];
            permissions: string[];
            mfa_enabled: boolean;
            tenant: {
                /** Format: int64 */
                id: number;
                slug: string;
                name: string;
            };
            /** Format: uuid */
            session_id: string;
            /**
             * Format: date-time
             * @example 2026-01-31T12:00:00.000Z
             */
            created_at: string;
        };
        MfaEnabled: {
            /**
             * @description Ten, each good once; shown this once
             * @example [
             *       "7Q2M-XK4D"
             *     ]
             */
            recovery_codes: string[];
            access_token?: string;
            refresh_token?: string;
            /** @constant */
            token_type?: "Bearer";
            /**
             * Format: int64
             * @description Seconds until the access token ends
             */
            expires_in?: number;
        };
        MfaRequired: {
            /** @constant */
            mfa_required: true;
            /** @description For `POST /auth/login/mfa` alone, for five minutes, through the same peer */
            mfa_session_token: string;
        };
        MfaSetup: {
            /** @description Base32, for typing; shown this once */
            secret: string;
            /** @description What the QR code says */
            otpauth_uri: string;
            qr_svg: string;
        };
        MfaSetupRequired: {
            /** @constant */
            mfa_setup_required: true;
            /** @description For `POST /mfa/setup` and `POST /mfa/enable` alone, for 15 minutes, through the same peer */
            mfa_setup_token: string;
        };
        MfaStatus: {
            enabled: boolean;
            /** @example 2026-01-31T12:00:00.000Z */
            enabled_at: string | null;
            /** @description By the tenant, a role or for this user alone */
            required: boolean;
            /** Format: int64 */
            recovery_codes_left: number;
            /**
             * @description After failures in a row; for codes that come the way that this request came
             * @example 2026-01-31T12:00:00.000Z
             */
            locked_until: string | null;
        };
        Peer: {
            /** Format: uuid */
            id: string;
            name: string;
            /** Format: int64 */
            tenant_id: number;
            user_id: number | null;
            /** @enum {string} */
            kind: "permanent" | "enrolment";
            public_key: string;
            has_preshared_key: boolean;
            /** @description While a new key waits: it takes over with its first handshake, or at the deadline */
            rotation: {
                successor_public_key: string;
                /**
                 * Format: date-time
                 * @example 2026-01-31T12:00:00.000Z
                 */
                deadline: string;
            } | null;
            /**
             * Format: int64
             * @description The gateway that it is on
             */
            gateway_id: number;
            /** @description The gateway that it left, until that was read back without its key; the address is held for as long */
            moved_from: {
                /** Format: int64 */
                gateway_id: number;
                /** Format: ipv4 */
                address: string;
            } | null;
            /** Format: ipv4 */
            address: string;
            /**
             * Format: ipv6
             * @description Where the tunnel has IPv6: the prefix and the offset of `address` in its network
             */
            address6?: string;
            /**
             * @description `active` once `wg` accepted this very state, which the next full pass reads back; `disabled` and `expired` only once the interface was read back without the peer
             * @enum {string}
             */
            status: "active" | "pending" | "disabled" | "revoking" | "expired";
            /** @description Why it is not on the interface as desired, in plain words */
            status_reason: string | null;
            enabled: boolean;
            /** @description Null while it is enabled. What an admin disabled, its owner cannot enable */
            disabled_by: ("owner" | "admin") | null;
            /** @example 2026-01-31T12:00:00.000Z */
            expires_at: string | null;
            /** @description What an admin set, the owner may bring forward, and not lift or put off */
            expiry_set_by: ("owner" | "admin") | null;
            /** @example 2026-01-31T12:00:00.000Z */
            applied_at: string | null;
            /** @example 2026-01-31T12:00:00.000Z */
            last_handshake_at: string | null;
            /** @description Its last handshake is less than 180 s old */
            online: boolean;
            client_allowed_ips: string[] | null;
            dns: string[] | null;
            mtu: number | null;
            persistent_keepalive: number | null;
            /**
             * Format: date-time
             * @example 2026-01-31T12:00:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @example 2026-01-31T12:00:00.000Z
             */
            updated_at: string;
        };
        PeerExplanation: {
            /** Format: uuid */
            peer_id: string;
            name: string | null;
            /** @description As of the daemon's last look; null where it does not say, or is beside another API process */
            on_interface: boolean | null;
            /** @description Why it is or is not on the interface, in plain words */
            reasons: {
                /** @enum {string} */
                code: "applied" | "held" | "failed" | "pending" | "drift" | "drift_repaired" | "removed" | "disabled" | "expired" | "user_inactive" | "tenant_suspended" | "revoking" | "rotating" | "old_key" | "daemon_unreachable" | "daemon_degraded" | "daemon_elsewhere";
                detail: string;
            }[];
            /** @description The row; null where it went */
            desired: {
                wanted: boolean;
                /** @enum {string} */
                kind: "permanent" | "enrolment";
                user_id: number | null;
                public_key: string;
                has_preshared_key: boolean;
                successor_public_key: string | null;
                /** @example 2026-01-31T12:00:00.000Z */
                successor_deadline: string | null;
                /** Format: ipv4 */
                address: string;
                address6: string | null;
                enabled: boolean;
                /** @example 2026-01-31T12:00:00.000Z */
                expires_at: string | null;
                /** @example 2026-01-31T12:00:00.000Z */
                removed_at: string | null;
                generation: string;
            } | null;
            /** @description What the daemon wrote down last */
            applied: {
                /** @enum {string} */
                state: "applied" | "removed" | "failed" | "held";
                generation: string;
                error: string | null;
                /**
                 * Format: date-time
                 * @example 2026-01-31T12:00:00.000Z
                 */
                changed_at: string;
            } | null;
            /** @description What the interface has of it, keys it had before included; null where the daemon does not say */
            observed: {
                public_key: string;
                allowed_ips: string[];
                /** @description Where the key is not as the row wants it, by the daemon's last look; of a preshared key no more than that it is another one. Null for a key that the peer had before */
                differs: ("missing" | "allowed_ips" | "preshared_key" | "persistent_keepalive" | "unwanted" | "foreign")[] | null;
                endpoint: string | null;
                /** @example 2026-01-31T12:00:00.000Z */
                last_handshake_at: string | null;
                received_bytes: number;
                sent_bytes: number;
            }[] | null;
            /** @description When the peer was last found changed by hand, and put right, since the daemon was started; the audit log has all of it */
            drift_repaired: {
                /**
                 * Format: date-time
                 * @example 2026-01-31T12:00:00.000Z
                 */
                at: string;
                differences: ("missing" | "allowed_ips" | "preshared_key" | "persistent_keepalive" | "unwanted" | "foreign")[];
            } | null;
            /** @example 2026-01-31T12:00:00.000Z */
            last_handshake_at: string | null;
            /** @description What becomes of packets it sends; the first that fits decides */
            packets: {
                traffic: string;
                /** @enum {string} */
                verdict: "accept" | "drop" | "unknown";
                why: string;
            }[];
            /** @description Newest first, at most 20; the rest stand in `GET /wireguard/receipts` */
            receipts: components["schemas"]["Receipt"][];
        };
        PeerStats: {
            /** Format: uuid */
            peer_id: string;
            /**
             * Format: int64
             * @description What the peer sent, handshakes included
             */
            received_bytes: number;
            /**
             * Format: int64
             * @description What was sent to the peer
             */
            sent_bytes: number;
            /** @description Its last handshake is less than 180 s old */
            online: boolean;
            /** @example 2026-01-31T12:00:00.000Z */
            online_since: string | null;
            endpoint: string | null;
            /** @example 2026-01-31T12:00:00.000Z */
            last_handshake_at: string | null;
            /**
             * @description When the daemon wrote this; null for a peer that never spoke
             * @example 2026-01-31T12:00:00.000Z
             */
            counted_at: string | null;
            /** @description The latest first; 1,000 of the last 30 days are kept */
            events: {
                items: {
                    /** @enum {string} */
                    kind: "connected" | "disconnected" | "endpoint_changed";
                    /**
                     * Format: date-time
                     * @example 2026-01-31T12:00:00.000Z
                     */
                    at: string;
                    endpoint: string | null;
                }[];
                next_cursor: string | null;
            };
        };
        PeerWithEndpoint: {
            /** Format: uuid */
            id: string;
            name: string;
            /** Format: int64 */
            tenant_id: number;
            user_id: number | null;
            /** @enum {string} */
            kind: "permanent" | "enrolment";
            public_key: string;
            has_preshared_key: boolean;
            /** @description While a new key waits: it takes over with its first handshake, or at the deadline */
            rotation: {
                successor_public_key: string;
                /**
                 * Format: date-time
                 * @example 2026-01-31T12:00:00.000Z
                 */
                deadline: string;
            } | null;
            /**
             * Format: int64
             * @description The gateway that it is on
             */
            gateway_id: number;
            /** @description The gateway that it left, until that was read back without its key; the address is held for as long */
            moved_from: {
                /** Format: int64 */
                gateway_id: number;
                /** Format: ipv4 */
                address: string;
            } | null;
            /** Format: ipv4 */
            address: string;
            /**
             * Format: ipv6
             * @description Where the tunnel has IPv6: the prefix and the offset of `address` in its network
             */
            address6?: string;
            /**
             * @description `active` once `wg` accepted this very state, which the next full pass reads back; `disabled` and `expired` only once the interface was read back without the peer
             * @enum {string}
             */
            status: "active" | "pending" | "disabled" | "revoking" | "expired";
            /** @description Why it is not on the interface as desired, in plain words */
            status_reason: string | null;
            enabled: boolean;
            /** @description Null while it is enabled. What an admin disabled, its owner cannot enable */
            disabled_by: ("owner" | "admin") | null;
            /** @example 2026-01-31T12:00:00.000Z */
            expires_at: string | null;
            /** @description What an admin set, the owner may bring forward, and not lift or put off */
            expiry_set_by: ("owner" | "admin") | null;
            /** @example 2026-01-31T12:00:00.000Z */
            applied_at: string | null;
            /** @example 2026-01-31T12:00:00.000Z */
            last_handshake_at: string | null;
            /** @description Its last handshake is less than 180 s old */
            online: boolean;
            client_allowed_ips: string[] | null;
            dns: string[] | null;
            mtu: number | null;
            persistent_keepalive: number | null;
            /**
             * Format: date-time
             * @example 2026-01-31T12:00:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @example 2026-01-31T12:00:00.000Z
             */
            updated_at: string;
            /** @description The client's address outside the tunnel that it spoke from last */
            endpoint: string | null;
        };
        Permission: {
            name: string;
            description: string;
            /** @description Reaches beyond one tenant: no role of a tenant can have it */
            platform: boolean;
        };
        Problem: {
            /** @example urn:massacorp:problem:invalid_input */
            type: string;
            title: string;
            /** Format: int64 */
            status: number;
            /** @enum {string} */
            code: "malformed_json" | "invalid_encoding" | "tenant_required" | "invalid_credentials" | "invalid_token" | "forbidden" | "challenge_required" | "step_up_required" | "grant_exceeds_own" | "tenant_mismatch" | "wrong_tunnel" | "registration_closed" | "set_by_admin" | "https_required" | "enrolment_only" | "not_found" | "not_acceptable" | "request_timeout" | "public_key_taken" | "email_taken" | "too_many_roles" | "too_many_keys" | "mfa_not_enabled" | "mfa_not_set_up" | "mfa_demanded" | "key_revoked" | "role_name_taken" | "role_in_use" | "system_role" | "already_invited" | "tenant_not_suspended" | "platform_stays" | "last_admin" | "grant_name_taken" | "gateway_name_taken" | "network_taken" | "gateway_retired" | "gateway_in_use" | "gateway_closed" | "gateway_down" | "other_gateway" | "already_there" | "slug_taken" | "platform_exists" | "platform_missing" | "quota_exceeded" | "overtaken" | "pool_exhausted" | "body_too_large" | "unsupported_media_type" | "unknown_host" | "idempotency_key_reused" | "invalid_input" | "rate_limited" | "too_many_mails" | "internal_error" | "overloaded" | "database_unavailable" | "daemon_unavailable" | "factor_unreadable" | "gateway_not_ready";
            detail?: string;
            request_id: string;
            challenge?: {
                /** @constant */
                kind: "proof_of_work";
                challenge: string;
                /** Format: int64 */
                bits: number;
            };
            errors?: {
                path: string;
                code: string;
                message: string;
            }[];
        };
        ProvisionedPeer: {
            peer: components["schemas"]["Peer"];
            /** @description The client's file for wg-quick, shown this once; null where it waits for delivery */
            config: string | null;
            /** @description The file as a QR code; null where the private key is the caller's own, or the file waits */
            qr: {
                svg: string;
            } | null;
            /** @description What fetches the file once: `POST /api/v1/wireguard/deliveries` */
            delivery: {
                token: string;
                /**
                 * Format: date-time
                 * @example 2026-01-31T12:00:00.000Z
                 */
                expires_at: string;
            } | null;
        };
        Receipt: {
            /** @description Grows with time, inside the tenant */
            id: string;
            /** Format: int64 */
            tenant_id: number;
            /** Format: uuid */
            peer_id: string;
            /** Format: int64 */
            interface_id: number;
            /**
             * @description `peer`: the peer was removed; `key`: it got another key, and this one went
             * @enum {string}
             */
            what: "peer" | "key";
            public_key: string;
            gateway_key: string;
            /**
             * Format: date-time
             * @description When the interface was read back without the key, by the gateway's clock
             * @example 2026-01-31T12:00:00.000Z
             */
            read_back_at: string;
            /** @description Ed25519 public key that the signature is verified with, in base64 */
            receipt_key: string;
            /** @description Whether it is the key that the gateway publishes now */
            is_current_key: boolean;
            /** @description The text that is signed, in UTF-8 */
            statement: string;
            /** @description Ed25519 (RFC 8032), in base64 */
            signature: string;
        };
        Reseal: {
            /** @description The key that seals now */
            key_id: string;
            /** Format: int64 */
            resealed: number;
            /** @description Older keys, and how many users have recovery codes that are known by them: those cannot be sealed anew, and end with their key */
            recovery_codes: {
                key_id: string;
                /** Format: int64 */
                users: number;
            }[];
        };
        ResealedAll: {
            resealed: {
                /** Format: int64 */
                preshared_keys: number;
                /** Format: int64 */
                mails: number;
                /** Format: int64 */
                second_factors: number;
            };
            /**
             * Format: int64
             * @description What no key opens; it was left as it is
             */
            unreadable: number;
            /** @description What is still under another key than the newest. Older keys can be dropped once this is empty; recovery codes cannot be sealed anew, and end with their key */
            left: {
                /** @enum {string} */
                kind: "preshared_key" | "mail" | "second_factor" | "recovery_code";
                key_id: string;
                /** Format: int64 */
                count: number;
                /** @description Whether this process has that key */
                known: boolean;
            }[];
        };
        Role: {
            /** Format: int64 */
            id: number;
            name: string;
            description: string;
            /** @description Every tenant has it, and it can be neither changed nor removed */
            system: boolean;
            permissions: string[];
            /** @description A second factor is demanded of whoever has it; for those of the system the tenant says it */
            mfa_required: boolean;
            /**
             * Format: date-time
             * @example 2026-01-31T12:00:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @example 2026-01-31T12:00:00.000Z
             */
            updated_at: string;
        };
        Session: {
            /** Format: uuid */
            id: string;
            /** @description The session of this very token */
            current: boolean;
            active: boolean;
            device_name: string;
            user_agent: string;
            address: string | null;
            /** @description The peer it was opened through */
            peer_id: string | null;
            /**
             * Format: date-time
             * @example 2026-01-31T12:00:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description True to a minute
             * @example 2026-01-31T12:00:00.000Z
             */
            last_seen_at: string;
            /**
             * Format: date-time
             * @description When it ends, unless it is refreshed before
             * @example 2026-01-31T12:00:00.000Z
             */
            expires_at: string;
            /** @example 2026-01-31T12:00:00.000Z */
            ended_at: string | null;
            ended_reason: string | null;
        };
        SteppedUp: {
            /** @constant */
            verified: true;
            /**
             * Format: date-time
             * @description What asks for a fresh factor asks for none until then
             * @example 2026-01-31T12:00:00.000Z
             */
            stepped_up_until: string;
            /** Format: int64 */
            recovery_codes_left: number;
        };
        Tenant: {
            /** Format: int64 */
            id: number;
            slug: string;
            name: string;
            /** @enum {string} */
            status: "active" | "suspended";
            is_platform: boolean;
            /**
             * Format: date-time
             * @example 2026-01-31T12:00:00.000Z
             */
            created_at: string;
        };
        TokenPair: {
            access_token: string;
            refresh_token: string;
            /** @constant */
            token_type: "Bearer";
            /**
             * Format: int64
             * @description Seconds until the access token ends
             */
            expires_in: number;
        };
        TrustedDevice: {
            /** Format: uuid */
            id: string;
            device_name: string;
            user_agent: string;
            /** @description The peer it is trusted through */
            peer_id: string | null;
            /**
             * Format: date-time
             * @example 2026-01-31T12:00:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @example 2026-01-31T12:00:00.000Z
             */
            expires_at: string;
            /** @example 2026-01-31T12:00:00.000Z */
            last_used_at: string | null;
        };
        User: {
            /** Format: int64 */
            id: number;
            email: string;
            name: string;
            /** @enum {string} */
            status: "active" | "inactive";
            /** @enum {string} */
            locale: "en" | "fr";
            phone: string | null;
            /** @example 2026-01-31T12:00:00.000Z */
            email_verified_at: string | null;
            /** @example 2026-01-31T12:00:00.000Z */
            last_login_at: string | null;
            /** @description Those that have not ended */
            roles: string[];
            /**
             * Format: date-time
             * @example 2026-01-31T12:00:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @example 2026-01-31T12:00:00.000Z
             */
            updated_at: string;
        };
        UserRole: {
            /** Format: int64 */
            role_id: number;
            name: string;
            /** @description It has not ended */
            active: boolean;
            /** @description The user; null for the operator */
            granted_by: number | null;
            /**
             * Format: date-time
             * @example 2026-01-31T12:00:00.000Z
             */
            granted_at: string;
            /** @example 2026-01-31T12:00:00.000Z */
            expires_at: string | null;
        };
        VerifiedToken: {
            /** @description Whether this very request could have been made with the token */
            active: boolean;
            sub?: string;
            /** Format: int64 */
            tenant_id?: number;
            email?: string;
            /** Format: uuid */
            sid?: string;
            jti?: string;
            /** Format: int64 */
            iat?: number;
            /** Format: int64 */
            exp?: number;
        };
        WireGuardExport: {
            interface: {
                name: string;
                /** @description The gateway's, each with the length of its network */
                addresses: string[];
                /** Format: int64 */
                listen_port: number;
                /** Format: int64 */
                mtu: number;
                public_key: string | null;
            };
            peers: {
                /** Format: uuid */
                id: string;
                name: string;
                public_key: string;
                /** @description Null where it has none, it does not open, or secrets were not asked for */
                preshared_key: string | null;
                has_preshared_key: boolean;
                allowed_ips: string[];
                /** @description Whether the interface is to have it now: enabled, not expired, owner active */
                wanted: boolean;
            }[];
        };
        WireGuardGrant: {
            /** Format: uuid */
            id: string;
            name: string;
            network: string;
            /** @enum {string} */
            protocol: "tcp" | "udp" | "icmp" | "any";
            /** @description Null for every port */
            ports: string | null;
            /**
             * Format: date-time
             * @example 2026-01-31T12:00:00.000Z
             */
            created_at: string;
        };
        WireGuardImport: {
            applied: boolean;
            items: {
                name: string;
                public_key: string;
                /**
                 * @description `present`: the tenant has a peer of this key already, which is left as it is
                 * @enum {string}
                 */
                verdict: "taken" | "renumbered" | "present" | "refused";
                /** @description Why it is refused, or why its address could not be kept */
                reason: ("no_address" | "several_allowed_ips" | "outside_network" | "reserved_address" | "address_taken" | "duplicate_address" | "duplicate_key" | "public_key_taken" | "gateway_key" | "pool_exhausted") | null;
                address: string | null;
                dropped_ips: string[];
                /** @description Null where nothing was applied */
                peer_id: string | null;
                status: ("active" | "pending" | "disabled" | "revoking" | "expired") | null;
            }[];
        };
        WireGuardPolicy: {
            /**
             * Format: int64
             * @description 0 where none was ever set
             */
            version: number;
            /**
             * @description `applied`: every gateway that the tenant has peers on has this very version in the kernel's rules; `rejected`: at least one of them has nothing of it in force, and nothing of an earlier one
             * @enum {string}
             */
            status: "applied" | "pending" | "rejected";
            /** @description Why it was rejected, in plain words; with several gateways, by which */
            error: string | null;
            /** @description Each gateway that has peers of the tenant, or whose interface was not yet read back without those it had */
            gateways: {
                /** Format: int64 */
                gateway_id: number;
                name: string;
                /** @enum {string} */
                status: "applied" | "pending" | "rejected";
                error: string | null;
            }[];
            /** @description What cannot hold for all of the tenant's peers as they are placed now: gateways do not route to one another, so peers reach only those of their own */
            warnings: {
                path: string;
                /** @enum {string} */
                code: "same_gateway_only";
                message: string;
            }[];
            peer_to_peer: boolean;
            services: {
                name: string;
                /** Format: uuid */
                peer_id: string;
                /** @enum {string} */
                protocol: "tcp" | "udp";
                ports: string;
            }[];
            routes: {
                /** Format: uuid */
                grant_id: string;
                network: string;
                /** @enum {string} */
                protocol: "tcp" | "udp" | "icmp" | "any";
                ports: string | null;
            }[];
            /** @example 2026-01-31T12:00:00.000Z */
            updated_at: string | null;
        };
        WireGuardStatus: {
            /** Format: int64 */
            gateway_id: number;
            /** @description Null until a daemon was started once */
            interface: {
                network: string;
                network6: string | null;
                /** @description Null while the database does not answer, which the operator alone gets to see */
                endpoint: string | null;
                public_key: string | null;
                /** @description Null while the daemon does not answer */
                up: boolean | null;
                backend: ("kernel" | "userspace") | null;
            } | null;
            /**
             * @description degraded: it runs without its database, on the last state it knew. Of a gateway that is not beside the API process that answers: ok where it is `up` in the list of gateways, else unreachable
             * @enum {string}
             */
            daemon: "ok" | "degraded" | "unreachable";
            /**
             * @description As the API sees it; without it only the operator, in no tenant, is answered
             * @enum {string}
             */
            database: "ok" | "unavailable";
            /** @description The tenant's own, on the gateway that was asked for, else on all; null where the operator names no tenant */
            peers: {
                /** Format: int64 */
                total: number;
                /** Format: int64 */
                desired: number;
                /** Format: int64 */
                applied: number;
                /** Format: int64 */
                pending: number;
                /** Format: int64 */
                revoking: number;
            } | null;
            /** @description Of all tenants, for the operator; null for everybody else */
            interface_counts: {
                /** Format: int64 */
                desired: number;
                /** Format: int64 */
                applied: number;
                /** Format: int64 */
                drift: number;
                /** Format: int64 */
                held: number;
                /** Format: int64 */
                unexplained: number;
                /** Format: int64 */
                failed: number;
            } | null;
            /** @description The daemon's, for the operator */
            last_error: string | null;
            /** @example 2026-01-31T12:00:00.000Z */
            last_reconcile_at: string | null;
            /** @example 2026-01-31T12:00:00.000Z */
            last_read_back_at: string | null;
        };
    };
    responses: {
        /** @description `malformed_json`: The body is not JSON; `invalid_encoding`: The body is not UTF-8 */
        "400.malformed_json.invalid_encoding": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `malformed_json`: The body is not JSON; `invalid_encoding`: The body is not UTF-8; `tenant_required`: The X-Tenant-ID header is missing */
        "400.malformed_json.invalid_encoding.tenant_required": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `tenant_required`: The X-Tenant-ID header is missing */
        "400.tenant_required": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `invalid_credentials`: The credentials are wrong */
        "401.invalid_credentials": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `invalid_token`: The token is missing, wrong or no longer good */
        "401.invalid_token": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `invalid_token`: The token is missing, wrong or no longer good; `invalid_credentials`: The credentials are wrong */
        "401.invalid_token.invalid_credentials": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `forbidden`: The permission is missing; `step_up_required`: Show your password or second factor again first; `tenant_mismatch`: The tenant is not that of the token; `wrong_tunnel`: The request came through a tunnel that it does not belong to; `enrolment_only`: This tunnel is for enrolment and nothing else; `https_required`: Only HTTPS is answered */
        "403.forbidden.step_up_required.tenant_mismatch.wrong_tunnel.enrolment_only.https_required": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `forbidden`: The permission is missing; `step_up_required`: Show your password or second factor again first; `tenant_mismatch`: The tenant is not that of the token; `wrong_tunnel`: The request came through a tunnel that it does not belong to; `enrolment_only`: This tunnel is for enrolment and nothing else; `https_required`: Only HTTPS is answered; `challenge_required`: Solve the challenge, and try again with its proof */
        "403.forbidden.step_up_required.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.challenge_required": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `forbidden`: The permission is missing; `step_up_required`: Show your password or second factor again first; `tenant_mismatch`: The tenant is not that of the token; `wrong_tunnel`: The request came through a tunnel that it does not belong to; `enrolment_only`: This tunnel is for enrolment and nothing else; `https_required`: Only HTTPS is answered; `grant_exceeds_own`: Nobody gives what he does not have */
        "403.forbidden.step_up_required.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.grant_exceeds_own": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `forbidden`: The permission is missing; `tenant_mismatch`: The tenant is not that of the token; `wrong_tunnel`: The request came through a tunnel that it does not belong to; `enrolment_only`: This tunnel is for enrolment and nothing else; `https_required`: Only HTTPS is answered */
        "403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `forbidden`: The permission is missing; `tenant_mismatch`: The tenant is not that of the token; `wrong_tunnel`: The request came through a tunnel that it does not belong to; `enrolment_only`: This tunnel is for enrolment and nothing else; `https_required`: Only HTTPS is answered; `grant_exceeds_own`: Nobody gives what he does not have */
        "403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.grant_exceeds_own": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `forbidden`: The permission is missing; `tenant_mismatch`: The tenant is not that of the token; `wrong_tunnel`: The request came through a tunnel that it does not belong to; `enrolment_only`: This tunnel is for enrolment and nothing else; `https_required`: Only HTTPS is answered; `grant_exceeds_own`: Nobody gives what he does not have; `step_up_required`: Show your password or second factor again first */
        "403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.grant_exceeds_own.step_up_required": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `forbidden`: The permission is missing; `tenant_mismatch`: The tenant is not that of the token; `wrong_tunnel`: The request came through a tunnel that it does not belong to; `enrolment_only`: This tunnel is for enrolment and nothing else; `https_required`: Only HTTPS is answered; `set_by_admin`: An admin decided so, and an admin alone can undo it */
        "403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.set_by_admin": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `forbidden`: The permission is missing; `tenant_mismatch`: The tenant is not that of the token; `wrong_tunnel`: The request came through a tunnel that it does not belong to; `enrolment_only`: This tunnel is for enrolment and nothing else; `https_required`: Only HTTPS is answered; `step_up_required`: Show your password or second factor again first */
        "403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.step_up_required": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `forbidden`: The permission is missing; `tenant_mismatch`: The tenant is not that of the token; `wrong_tunnel`: The request came through a tunnel that it does not belong to; `enrolment_only`: This tunnel is for enrolment and nothing else; `https_required`: Only HTTPS is answered; `step_up_required`: Show your password or second factor again first; `challenge_required`: Solve the challenge, and try again with its proof */
        "403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.step_up_required.challenge_required": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `wrong_tunnel`: The request came through a tunnel that it does not belong to; `enrolment_only`: This tunnel is for enrolment and nothing else; `https_required`: Only HTTPS is answered */
        "403.wrong_tunnel.enrolment_only.https_required": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `wrong_tunnel`: The request came through a tunnel that it does not belong to; `enrolment_only`: This tunnel is for enrolment and nothing else; `https_required`: Only HTTPS is answered; `challenge_required`: Solve the challenge, and try again with its proof */
        "403.wrong_tunnel.enrolment_only.https_required.challenge_required": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `wrong_tunnel`: The request came through a tunnel that it does not belong to; `enrolment_only`: This tunnel is for enrolment and nothing else; `https_required`: Only HTTPS is answered; `registration_closed`: Nobody makes an account for himself here */
        "403.wrong_tunnel.enrolment_only.https_required.registration_closed": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `wrong_tunnel`: The request came through a tunnel that it does not belong to; `enrolment_only`: This tunnel is for enrolment and nothing else; `https_required`: Only HTTPS is answered; `tenant_mismatch`: The tenant is not that of the token */
        "403.wrong_tunnel.enrolment_only.https_required.tenant_mismatch": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `not_found`: There is no such thing */
        "404.not_found": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `not_acceptable`: The answer has none of the accepted types */
        "406.not_acceptable": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `request_timeout`: The body did not arrive in time */
        "408.request_timeout": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `already_there`: The peer is on that gateway; `overtaken`: Another change came in between; `public_key_taken`: The public key is in use; `quota_exceeded`: The quota of peers is used up; `pool_exhausted`: No address is free; `gateway_closed`: The gateway takes no new peers */
        "409.already_there.overtaken.public_key_taken.quota_exceeded.pool_exhausted.gateway_closed": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `email_taken`: The e-mail address is in use */
        "409.email_taken": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `email_taken`: The e-mail address is in use; `already_invited`: Somebody with that address is invited already; `quota_exceeded`: The quota of peers is used up; `pool_exhausted`: No address is free; `gateway_closed`: The gateway takes no new peers */
        "409.email_taken.already_invited.quota_exceeded.pool_exhausted.gateway_closed": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `email_taken`: The e-mail address is in use; `last_admin`: The tenant would be left without an admin */
        "409.email_taken.last_admin": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `email_taken`: The e-mail address is in use; `public_key_taken`: The public key is in use; `quota_exceeded`: The quota of peers is used up; `pool_exhausted`: No address is free; `gateway_closed`: The gateway takes no new peers */
        "409.email_taken.public_key_taken.quota_exceeded.pool_exhausted.gateway_closed": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `email_taken`: The e-mail address is in use; `slug_taken`: The slug is in use; `overtaken`: Another change came in between; `platform_exists`: There is a platform tenant already; `quota_exceeded`: The quota of peers is used up; `pool_exhausted`: No address is free; `gateway_closed`: The gateway takes no new peers */
        "409.email_taken.slug_taken.overtaken.platform_exists.quota_exceeded.pool_exhausted.gateway_closed": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `gateway_name_taken`: Another gateway has that name; `network_taken`: The network overlaps that of another gateway; `platform_missing`: There is no platform tenant yet */
        "409.gateway_name_taken.network_taken.platform_missing": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `gateway_retired`: A retired gateway stays retired; `gateway_in_use`: Peers, or keys of peers, are still on the gateway; `platform_missing`: There is no platform tenant yet */
        "409.gateway_retired.gateway_in_use.platform_missing": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `gateway_retired`: A retired gateway stays retired; `platform_missing`: There is no platform tenant yet */
        "409.gateway_retired.platform_missing": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `grant_name_taken`: The tenant has a grant of that name */
        "409.grant_name_taken": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `key_revoked`: The API key is revoked */
        "409.key_revoked": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `last_admin`: The tenant would be left without an admin */
        "409.last_admin": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `last_admin`: The tenant would be left without an admin; `overtaken`: Another change came in between */
        "409.last_admin.overtaken": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `last_admin`: The tenant would be left without an admin; `too_many_roles`: No more roles can be made or given */
        "409.last_admin.too_many_roles": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `mfa_not_enabled`: There is no second factor */
        "409.mfa_not_enabled": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `mfa_not_enabled`: There is no second factor; `mfa_demanded`: A second factor is demanded of this user */
        "409.mfa_not_enabled.mfa_demanded": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `mfa_not_set_up`: No second factor waits for its first code */
        "409.mfa_not_set_up": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `other_gateway`: Only an API process beside that gateway can tell */
        "409.other_gateway": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `overtaken`: Another change came in between */
        "409.overtaken": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `platform_missing`: There is no platform tenant yet; `other_gateway`: Only an API process beside that gateway can tell */
        "409.platform_missing.other_gateway": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `platform_stays`: The platform's own tenant stays; `overtaken`: Another change came in between */
        "409.platform_stays.overtaken": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `platform_stays`: The platform's own tenant stays; `tenant_not_suspended`: Only a suspended tenant can be removed; `overtaken`: Another change came in between */
        "409.platform_stays.tenant_not_suspended.overtaken": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `public_key_taken`: The public key is in use */
        "409.public_key_taken": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `public_key_taken`: The public key is in use; `quota_exceeded`: The quota of peers is used up; `pool_exhausted`: No address is free; `gateway_closed`: The gateway takes no new peers */
        "409.public_key_taken.quota_exceeded.pool_exhausted.gateway_closed": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `role_in_use`: Somebody has the role, or is invited to it; `system_role`: A role of the system stays as it is */
        "409.role_in_use.system_role": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `role_name_taken`: The tenant has a role of that name; `system_role`: A role of the system stays as it is */
        "409.role_name_taken.system_role": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `role_name_taken`: The tenant has a role of that name; `too_many_roles`: No more roles can be made or given */
        "409.role_name_taken.too_many_roles": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `too_many_keys`: No more API keys can be made */
        "409.too_many_keys": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `body_too_large`: The body is too large */
        "413.body_too_large": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `unsupported_media_type`: The body must be application/json */
        "415.unsupported_media_type": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `unknown_host`: No such host is served here */
        "421.unknown_host": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `invalid_input`: Some values are wrong */
        "422.invalid_input": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `invalid_input`: Some values are wrong; `idempotency_key_reused`: The idempotency key was used for another request */
        "422.invalid_input.idempotency_key_reused": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `rate_limited`: Too many requests */
        "429.rate_limited": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `rate_limited`: Too many requests; `too_many_mails`: The tenant has sent its mails of this hour */
        "429.rate_limited.too_many_mails": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `internal_error`: Something went wrong on our side */
        "500.internal_error": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `database_unavailable`: The database does not answer; `overloaded`: Too much is going on at once */
        "503.database_unavailable.overloaded": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `database_unavailable`: The database does not answer; `overloaded`: Too much is going on at once; `daemon_unavailable`: The WireGuard daemon does not answer */
        "503.database_unavailable.overloaded.daemon_unavailable": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `database_unavailable`: The database does not answer; `overloaded`: Too much is going on at once; `factor_unreadable`: The second factor cannot be read at present */
        "503.database_unavailable.overloaded.factor_unreadable": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `database_unavailable`: The database does not answer; `overloaded`: Too much is going on at once; `gateway_not_ready`: The gateway has not published its key yet */
        "503.database_unavailable.overloaded.gateway_not_ready": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `database_unavailable`: The database does not answer; `overloaded`: Too much is going on at once; `gateway_not_ready`: The gateway has not published its key yet; `gateway_down`: The gateway's daemon does not answer for its interface */
        "503.database_unavailable.overloaded.gateway_not_ready.gateway_down": {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: {
        /** @description The id of the request: the caller's, where it has 8 to 64 of `A-Za-z0-9._-` */
        "X-Request-ID": string;
        /** @description What is left of the quota, and seconds until it is whole again; not on the operator's socket */
        RateLimit: string;
        /** @description The quota that the request was counted against; not on the operator's socket */
        "RateLimit-Policy": string;
        /** @description The same at the public origin */
        Location: string;
        /** @description Seconds after which a retry makes sense */
        "Retry-After": number;
        /** @description What is asked for */
        "WWW-Authenticate": string;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    getRoot: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Name and base path */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        name: string;
                        api: string;
                    };
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
        };
    };
    getHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Alive; says nothing about dependencies */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        status: "healthy";
                        environment: string;
                        wireguard_network: string;
                    };
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
        };
    };
    getSigningKeys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The keys; 404 where tokens are signed with a shared secret */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        keys: {
                            [key: string]: string;
                        }[];
                    };
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
        };
    };
    getReadiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Ready */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "ready" | "not_ready";
                        checks: {
                            [key: string]: string;
                        };
                    };
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            /** @description Not ready; `checks` says why */
            503: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "ready" | "not_ready";
                        checks: {
                            [key: string]: string;
                        };
                    };
                };
            };
        };
    };
    getInfo: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What a client can know without logging in */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        name: string;
                        version: string;
                        environment: string;
                        wireguard_network: string;
                        /** @description Null where the tunnel has no IPv6 */
                        wireguard_network6: string | null;
                        caller: {
                            /** @enum {string} */
                            via: "tunnel" | "loopback" | "operator";
                            address: string | null;
                            peer_id: string | null;
                            tenant_id: number | null;
                        };
                    };
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            403: components["responses"]["403.wrong_tunnel.enrolment_only.https_required"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    login: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example ada@acme.example */
                    email: string;
                    /** Format: password */
                    password: string;
                    /**
                     * @default
                     * @example Ada's phone
                     */
                    device_name?: string;
                    /** @description What a log-in with `trust_device` answered; it stands for the code */
                    trusted_device?: string;
                    /** @description `<challenge>:<nonce>`, where a challenge was answered before */
                    proof?: string;
                };
            };
        };
        responses: {
            /** @description The tokens of a new session, or what the log-in asks for besides */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenPair"] | components["schemas"]["MfaRequired"] | components["schemas"]["MfaSetupRequired"];
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_credentials"];
            403: components["responses"]["403.wrong_tunnel.enrolment_only.https_required.challenge_required"];
            408: components["responses"]["408.request_timeout"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    completeLogin: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    mfa_session_token: string;
                    /** @example 492039 */
                    code: string;
                    /** @default false */
                    trust_device?: boolean;
                };
            };
        };
        responses: {
            /** @description The tokens of a new session */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CompletedLogin"];
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token.invalid_credentials"];
            403: components["responses"]["403.wrong_tunnel.enrolment_only.https_required"];
            408: components["responses"]["408.request_timeout"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded.factor_unreadable"];
        };
    };
    refresh: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant; may be left out, and must agree with the token
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    refresh_token: string;
                };
            };
        };
        responses: {
            /** @description An access token and the newest refresh token of the session */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenPair"];
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.wrong_tunnel.enrolment_only.https_required.tenant_mismatch"];
            408: components["responses"]["408.request_timeout"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    logout: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @default false */
                    all_sessions?: boolean;
                    /** @default false */
                    except_current?: boolean;
                };
            };
        };
        responses: {
            /** @description What ended */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** Format: int64 */
                        sessions_ended: number;
                    };
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    whoAmI: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The user behind the token */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Me"];
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    verifyToken: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    token: string;
                };
            };
        };
        responses: {
            /** @description The claims of the token, or that it is not active */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VerifiedToken"];
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding"];
            403: components["responses"]["403.wrong_tunnel.enrolment_only.https_required"];
            408: components["responses"]["408.request_timeout"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    changePassword: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** Format: password */
                    current_password: string;
                    /** Format: password */
                    new_password: string;
                    /** @description `<challenge>:<nonce>`, where a challenge was answered before */
                    proof?: string;
                };
            };
        };
        responses: {
            /** @description How many others ended */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** Format: int64 */
                        sessions_ended: number;
                    };
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token.invalid_credentials"];
            403: components["responses"]["403.forbidden.step_up_required.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.challenge_required"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.overtaken"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    stepUp: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example 492039 */
                    code?: string;
                    /** Format: password */
                    password?: string;
                    /** @description `<challenge>:<nonce>`, where a challenge was answered before */
                    proof?: string;
                };
            };
        };
        responses: {
            /** @description The session counts as stepped up */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SteppedUp"];
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token.invalid_credentials"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.step_up_required.challenge_required"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.mfa_not_enabled"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded.factor_unreadable"];
        };
    };
    resealFactors: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was sealed, and what an older key is still needed for */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Reseal"];
                };
            };
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    getFactorStatus: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description How it stands */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MfaStatus"];
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    setUpFactor: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The secret, for an authenticator app */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MfaSetup"];
                };
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.step_up_required.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    enableFactor: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example 492039 */
                    code: string;
                };
            };
        };
        responses: {
            /** @description Recovery codes; tokens, where this completed a log-in */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MfaEnabled"];
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token.invalid_credentials"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.mfa_not_set_up"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded.factor_unreadable"];
        };
    };
    disableFactor: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** Format: password */
                    password: string;
                    /** @example 492039 */
                    code: string;
                };
            };
        };
        responses: {
            /** @description There is none any more */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        disabled: true;
                    };
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token.invalid_credentials"];
            403: components["responses"]["403.forbidden.step_up_required.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.mfa_not_enabled.mfa_demanded"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded.factor_unreadable"];
        };
    };
    verifyCode: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example 492039 */
                    code: string;
                };
            };
        };
        responses: {
            /** @description The code was right, and is used up */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SteppedUp"];
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token.invalid_credentials"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.mfa_not_enabled"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded.factor_unreadable"];
        };
    };
    verifyRecoveryCode: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example 7Q2M-XK4D */
                    code: string;
                };
            };
        };
        responses: {
            /** @description The code was right, and is used up */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SteppedUp"];
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token.invalid_credentials"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.mfa_not_enabled"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded.factor_unreadable"];
        };
    };
    regenerateRecoveryCodes: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example 492039 */
                    code: string;
                };
            };
        };
        responses: {
            /** @description The new codes */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * @description Ten, each good once; shown this once
                         * @example [
                         *       "7Q2M-XK4D"
                         *     ]
                         */
                        recovery_codes: string[];
                    };
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token.invalid_credentials"];
            403: components["responses"]["403.forbidden.step_up_required.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.mfa_not_enabled"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded.factor_unreadable"];
        };
    };
    listTrustedDevices: {
        parameters: {
            query?: {
                /** @example 50 */
                limit?: number;
                /**
                 * @description `next_cursor` of the page before
                 * @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d
                 */
                cursor?: string;
            };
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of devices */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["TrustedDevice"][];
                        next_cursor: string | null;
                    };
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    distrustDevice: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is asked for a code again */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        removed: true;
                    };
                };
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    resealAll: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was sealed, and what older keys are still needed for */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ResealedAll"];
                };
            };
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    register: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example ada@acme.example */
                    email: string;
                    /** Format: password */
                    password: string;
                    /** @default  */
                    name?: string;
                    /**
                     * @default en
                     * @enum {string}
                     */
                    locale?: "en" | "fr";
                };
            };
        };
        responses: {
            /** @description A mail is on its way */
            202: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        accepted: true;
                    };
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            403: components["responses"]["403.wrong_tunnel.enrolment_only.https_required.registration_closed"];
            408: components["responses"]["408.request_timeout"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    verifyEmail: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    token: string;
                };
            };
        };
        responses: {
            /** @description The proven address; registered says whether its user was made by this */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        email: string;
                        registered: boolean;
                    };
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            403: components["responses"]["403.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.email_taken"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    resendVerification: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example ada@acme.example */
                    email: string;
                };
            };
        };
        responses: {
            /** @description Asked for */
            202: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        accepted: true;
                    };
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            403: components["responses"]["403.wrong_tunnel.enrolment_only.https_required"];
            408: components["responses"]["408.request_timeout"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    requestPasswordReset: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example ada@acme.example */
                    email: string;
                };
            };
        };
        responses: {
            /** @description Asked for */
            202: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        accepted: true;
                    };
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            403: components["responses"]["403.wrong_tunnel.enrolment_only.https_required"];
            408: components["responses"]["408.request_timeout"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    validatePasswordReset: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example example-one-time-token */
                token: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        valid: true;
                        /**
                         * Format: date-time
                         * @example 2026-01-31T12:00:00.000Z
                         */
                        expires_at: string;
                    };
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            403: components["responses"]["403.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    confirmPasswordReset: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    token: string;
                    /** Format: password */
                    new_password: string;
                };
            };
        };
        responses: {
            /** @description How many sessions ended */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** Format: int64 */
                        sessions_ended: number;
                    };
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            403: components["responses"]["403.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    revokeAllSessions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description Null for all tenants */
                    tenant_id: number | null;
                };
            };
        };
        responses: {
            /** @description What ended */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** Format: int64 */
                        sessions_ended: number;
                    };
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    listSessions: {
        parameters: {
            query?: {
                /** @example 50 */
                limit?: number;
                /**
                 * @description `next_cursor` of the page before
                 * @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d
                 */
                cursor?: string;
                /** @example true */
                include_inactive?: "true" | "false";
            };
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of sessions */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Session"][];
                        next_cursor: string | null;
                    };
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    endSessions: {
        parameters: {
            query?: {
                /** @example true */
                except_current?: "true" | "false";
            };
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What ended */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** Format: int64 */
                        sessions_ended: number;
                    };
                };
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    getSession: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    endSession: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What ended */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** Format: int64 */
                        sessions_ended: number;
                    };
                };
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    listApiKeys: {
        parameters: {
            query?: {
                /** @example 50 */
                limit?: number;
                /**
                 * @description `next_cursor` of the page before
                 * @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d
                 */
                cursor?: string;
            };
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of keys, without their secrets */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["ApiKey"][];
                        next_cursor: string | null;
                    };
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    createApiKey: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Repeats a creation whose answer was lost: within a day the same key with the same request creates nothing more. No secret is kept for it: one that was never used is made anew, and otherwise it is null in the answer to the repetition
                 * @example create-ada-laptop-1
                 */
                "Idempotency-Key"?: string;
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example backup script */
                    name: string;
                    /**
                     * @description What the key may do, as far as its maker may
                     * @example [
                     *       "users.read"
                     *     ]
                     */
                    scopes: ("wireguard.read" | "wireguard.write" | "tenant.read" | "tenant.write" | "users.read" | "users.write" | "users.security" | "roles.read" | "roles.write" | "api_keys.read" | "api_keys.write" | "audit.read" | "audit.export")[];
                    /** Format: date-time */
                    expires_at?: string;
                    /** @description Peers of the tenant that it may come through, and no other way */
                    allowed_peers?: string[];
                    /**
                     * Format: int32
                     * @description Requests a minute, where fewer than everybody's are wanted
                     */
                    rate_limit?: number;
                };
            };
        };
        responses: {
            /** @description The key */
            201: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        api_key: components["schemas"]["ApiKey"];
                        /** @description The key, shown this once. Null where the request was repeated and the key used, changed or ended in between */
                        key: string | null;
                    };
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.step_up_required.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.grant_exceeds_own"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.too_many_keys"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input.idempotency_key_reused"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    getApiKey: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The key, without its secret */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** Format: uuid */
                        id: string;
                        name: string;
                        prefix: string;
                        /** Format: int64 */
                        user_id: number;
                        scopes: string[];
                        allowed_peers: string[] | null;
                        rate_limit: number | null;
                        /**
                         * Format: date-time
                         * @example 2026-01-31T12:00:00.000Z
                         */
                        created_at: string;
                        /** @example 2026-01-31T12:00:00.000Z */
                        expires_at: string | null;
                        /** @example 2026-01-31T12:00:00.000Z */
                        revoked_at: string | null;
                        /**
                         * @description True to some seconds
                         * @example 2026-01-31T12:00:00.000Z
                         */
                        last_used_at: string | null;
                        /** @example 2026-01-31T12:00:00.000Z */
                        previous_secret_until: string | null;
                        usage: components["schemas"]["ApiKeyUsage"][];
                    };
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    revokeApiKey: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The key, revoked */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiKey"];
                };
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    getApiKeyUsage: {
        parameters: {
            query?: {
                /** @example 50 */
                limit?: number;
                /**
                 * @description `next_cursor` of the page before
                 * @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d
                 */
                cursor?: string;
                /** @example 30 */
                days?: number;
            };
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page, newest first */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["ApiKeyUsage"][];
                        next_cursor: string | null;
                    };
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    rotateApiKey: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * Format: int32
                     * @description How long the secret before stays good; 0 for a key that is known to others
                     * @default 86400
                     */
                    overlap_seconds?: number;
                };
            };
        };
        responses: {
            /** @description The key with its new secret */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        api_key: components["schemas"]["ApiKey"];
                        /** @description The key, shown this once */
                        key: string;
                    };
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.step_up_required.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.grant_exceeds_own"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.key_revoked"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    getOneself: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The caller */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    updateOneself: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    name?: string;
                    /**
                     * @description The language of e-mails
                     * @enum {string}
                     */
                    locale?: "en" | "fr";
                    /** @example +33612345678 */
                    phone?: string | null;
                };
            };
        };
        responses: {
            /** @description The caller */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    listInvitations: {
        parameters: {
            query?: {
                /** @example 50 */
                limit?: number;
                /**
                 * @description `next_cursor` of the page before
                 * @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d
                 */
                cursor?: string;
            };
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of invitations */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Invitation"][];
                        next_cursor: string | null;
                    };
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    createInvitation: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Repeats a creation whose answer was lost: within a day the same key with the same request creates nothing more. No secret is kept for it: one that was never used is made anew, and otherwise it is null in the answer to the repetition
                 * @example create-ada-laptop-1
                 */
                "Idempotency-Key"?: string;
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example ada@acme.example */
                    email: string;
                    /** @default  */
                    name?: string;
                    /**
                     * @description The language of e-mails
                     * @default en
                     * @enum {string}
                     */
                    locale?: "en" | "fr";
                    /**
                     * @description Name of a role of the tenant
                     * @default user
                     */
                    role?: string;
                    /**
                     * @description Makes an enrolment peer, for whoever has no tunnel yet
                     * @default true
                     */
                    enrolment?: boolean;
                    /**
                     * @description `mail` sends link and tunnel file to the address and shows them to nobody; `inline` answers them, this once, and sends nothing
                     * @default mail
                     * @enum {string}
                     */
                    delivery?: "mail" | "inline";
                };
            };
        };
        responses: {
            /** @description The invitation */
            201: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        invitation: components["schemas"]["Invitation"];
                        /** @description Null where it was mailed; a repeated request answers another one, and the one before is void */
                        token: string | null;
                        link: string | null;
                        /** @description The enrolment peer, with its file unless that was mailed */
                        enrolment: components["schemas"]["ProvisionedPeer"] | null;
                    };
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.grant_exceeds_own"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.email_taken.already_invited.quota_exceeded.pool_exhausted.gateway_closed"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input.idempotency_key_reused"];
            429: components["responses"]["429.rate_limited.too_many_mails"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded.gateway_not_ready"];
        };
    };
    withdrawInvitation: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is gone, and the interface was read back without its peer */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        removed: true;
                    };
                };
            };
            /** @description It is gone, but the daemon has not confirmed yet that its peer is */
            202: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        removed: false;
                        /** @constant */
                        status: "revoking";
                    };
                };
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.grant_exceeds_own"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    acceptInvitation: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
                /**
                 * @description Repeats a creation whose answer was lost: within a day the same key with the same request creates nothing more. No secret is kept for it: one that was never used is made anew, and otherwise it is null in the answer to the repetition
                 * @example create-ada-laptop-1
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    token: string;
                    /** Format: password */
                    password: string;
                    name?: string;
                    /**
                     * @description The language of e-mails
                     * @enum {string}
                     */
                    locale?: "en" | "fr";
                    /** @example +33612345678 */
                    phone?: string | null;
                    /**
                     * @description Your own key, for a permanent peer in the place of the enrolment peer. Without it one is made with a key of the server's, if this comes through an enrolment peer, and none otherwise
                     * @example j4tuGWkb4fVgP42agHZJ5gvezYbKoUbgv3x8cLi29zs=
                     */
                    public_key?: string;
                    /** @default true */
                    preshared_key?: boolean;
                    /** @example ada-laptop */
                    peer_name?: string;
                };
            };
        };
        responses: {
            /** @description The user, and the permanent peer with its file, where one was made */
            201: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        user: components["schemas"]["User"];
                        peer: components["schemas"]["Peer"] | null;
                        /** @description The client's file for wg-quick, shown this once; null where it waits for delivery */
                        config: string | null;
                        /** @description The file as a QR code; null where the private key is the caller's own, or the file waits */
                        qr: {
                            svg: string;
                        } | null;
                        /** @description What fetches the file once: `POST /api/v1/wireguard/deliveries` */
                        delivery: {
                            token: string;
                            /**
                             * Format: date-time
                             * @example 2026-01-31T12:00:00.000Z
                             */
                            expires_at: string;
                        } | null;
                    };
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            403: components["responses"]["403.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.email_taken.public_key_taken.quota_exceeded.pool_exhausted.gateway_closed"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input.idempotency_key_reused"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded.gateway_not_ready"];
        };
    };
    listUsers: {
        parameters: {
            query?: {
                /** @example 50 */
                limit?: number;
                /**
                 * @description `next_cursor` of the page before
                 * @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d
                 */
                cursor?: string;
                /** @example id */
                sort?: "id" | "-id" | "created_at" | "-created_at" | "email" | "-email" | "name" | "-name";
                /** @example active */
                status?: "active" | "inactive";
                /**
                 * @description Name of a role of the tenant
                 * @example manager
                 */
                role?: string;
                /** @example true */
                email_verified?: "true" | "false";
                /**
                 * @description Part of the name or the address, in any case
                 * @example ada
                 */
                q?: string;
            };
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of users, oldest first unless sorted */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["User"][];
                        next_cursor: string | null;
                    };
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    createUser: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Repeats a creation whose answer was lost: within a day the same key with the same request creates nothing more. No secret is kept for it: one that was never used is made anew, and otherwise it is null in the answer to the repetition
                 * @example create-ada-laptop-1
                 */
                "Idempotency-Key"?: string;
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example ada@acme.example */
                    email: string;
                    /** @default  */
                    name?: string;
                    /**
                     * @description The language of e-mails
                     * @default en
                     * @enum {string}
                     */
                    locale?: "en" | "fr";
                    /**
                     * @default null
                     * @example +33612345678
                     */
                    phone?: string | null;
                    /**
                     * @description Name of a role of the tenant
                     * @default user
                     */
                    role?: string;
                };
            };
        };
        responses: {
            /** @description The user, and the password, shown this once */
            201: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        user: components["schemas"]["User"];
                        /** @description Null where the request was repeated, and the user changed or logged in in between */
                        password: string | null;
                    };
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.grant_exceeds_own"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.email_taken"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input.idempotency_key_reused"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    importUser: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Repeats a creation whose answer was lost: within a day the same key with the same request creates nothing more. No secret is kept for it: one that was never used is made anew, and otherwise it is null in the answer to the repetition
                 * @example create-ada-laptop-1
                 */
                "Idempotency-Key"?: string;
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example ada@acme.example */
                    email: string;
                    /** @default  */
                    name?: string;
                    /**
                     * @description The language of e-mails
                     * @default en
                     * @enum {string}
                     */
                    locale?: "en" | "fr";
                    /**
                     * @default null
                     * @example +33612345678
                     */
                    phone?: string | null;
                    /**
                     * @description Name of a role of the tenant
                     * @default user
                     */
                    role?: string;
                    password_hash: string;
                };
            };
        };
        responses: {
            /** @description The user */
            201: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        user: {
                            /** Format: int64 */
                            id: number;
                            email: string;
                            name: string;
                            role: string;
                        };
                    };
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.grant_exceeds_own"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.email_taken"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input.idempotency_key_reused"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    getUser: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 7 */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The user */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    updateUser: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 7 */
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example ada@acme.example */
                    email?: string;
                    name?: string;
                    /**
                     * @description The language of e-mails
                     * @enum {string}
                     */
                    locale?: "en" | "fr";
                    /** @example +33612345678 */
                    phone?: string | null;
                };
            };
        };
        responses: {
            /** @description The user */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.grant_exceeds_own.step_up_required"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.email_taken.last_admin"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited.too_many_mails"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    deleteUser: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 7 */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description He is gone, and the interface was read back without his peers */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        removed: true;
                    };
                };
            };
            /** @description He is gone, but the daemon has not confirmed yet that his peers are */
            202: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        removed: false;
                        /** @constant */
                        status: "revoking";
                    };
                };
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.step_up_required.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.grant_exceeds_own"];
            404: components["responses"]["404.not_found"];
            409: components["responses"]["409.last_admin.overtaken"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    verifyUser: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 7 */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The user */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.grant_exceeds_own"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    activateUser: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 7 */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The user */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.grant_exceeds_own"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    deactivateUser: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 7 */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done, and the interface was read back without his peers */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        user: components["schemas"]["User"];
                        /** Format: int64 */
                        sessions_ended: number;
                        /** @description The interface was read back without his peers */
                        removed: boolean;
                        /** @constant */
                        status?: "revoking";
                    };
                };
            };
            /** @description Committed, but the daemon has not confirmed yet */
            202: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        user: components["schemas"]["User"];
                        /** Format: int64 */
                        sessions_ended: number;
                        /** @description The interface was read back without his peers */
                        removed: boolean;
                        /** @constant */
                        status?: "revoking";
                    };
                };
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.grant_exceeds_own"];
            404: components["responses"]["404.not_found"];
            409: components["responses"]["409.last_admin.overtaken"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    unlockUser: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 7 */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Unlocked */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** Format: int64 */
                        id: number;
                        /** @constant */
                        unlocked: true;
                    };
                };
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.grant_exceeds_own"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    endUserSessions: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 7 */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description How many ended */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** Format: int64 */
                        sessions_ended: number;
                    };
                };
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.grant_exceeds_own"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    resetFactor: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 7 */
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example Phone lost, called back on the number that we have */
                    reason: string;
                };
            };
        };
        responses: {
            /** @description There is none any more */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        reset: true;
                        /** Format: int64 */
                        sessions_ended: number;
                    };
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.step_up_required.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.grant_exceeds_own"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.mfa_not_enabled"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    requireFactor: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 7 */
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description Of this user by himself; tenant and roles may demand it besides */
                    required: boolean;
                };
            };
        };
        responses: {
            /** @description What is demanded */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @description Of this user by himself; tenant and roles may demand it besides */
                        required: boolean;
                    };
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.step_up_required.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.grant_exceeds_own"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    listUserRoles: {
        parameters: {
            query?: {
                /** @example 50 */
                limit?: number;
                /**
                 * @description `next_cursor` of the page before
                 * @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d
                 */
                cursor?: string;
            };
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 12 */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of them */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["UserRole"][];
                        next_cursor: string | null;
                    };
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    giveRole: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Repeats a creation whose answer was lost: within a day the same key with the same request creates nothing more. No secret is kept for it: one that was never used is made anew, and otherwise it is null in the answer to the repetition
                 * @example create-ada-laptop-1
                 */
                "Idempotency-Key"?: string;
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 12 */
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** Format: int32 */
                    role_id: number;
                    /**
                     * @description When it ends by itself; null for never
                     * @default null
                     */
                    expires_at?: string | null;
                };
            };
        };
        responses: {
            /** @description What the user has now */
            201: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserRole"];
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.grant_exceeds_own"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.last_admin.too_many_roles"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input.idempotency_key_reused"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    takeRole: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 12 */
                id: number;
                /** @example 12 */
                role_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description He does not have it */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        removed: true;
                    };
                };
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.grant_exceeds_own.step_up_required"];
            404: components["responses"]["404.not_found"];
            409: components["responses"]["409.last_admin"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    listRoles: {
        parameters: {
            query?: {
                /** @example 50 */
                limit?: number;
                /**
                 * @description `next_cursor` of the page before
                 * @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d
                 */
                cursor?: string;
            };
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of roles */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Role"][];
                        next_cursor: string | null;
                    };
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    createRole: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Repeats a creation whose answer was lost: within a day the same key with the same request creates nothing more. No secret is kept for it: one that was never used is made anew, and otherwise it is null in the answer to the repetition
                 * @example create-ada-laptop-1
                 */
                "Idempotency-Key"?: string;
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example helpdesk */
                    name: string;
                    /** @default  */
                    description?: string;
                    permissions: ("wireguard.read" | "wireguard.write" | "tenant.read" | "tenant.write" | "users.read" | "users.write" | "users.security" | "roles.read" | "roles.write" | "api_keys.read" | "api_keys.write" | "audit.read" | "audit.export")[];
                    /** @default false */
                    mfa_required?: boolean;
                };
            };
        };
        responses: {
            /** @description The role */
            201: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Role"];
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.grant_exceeds_own"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.role_name_taken.too_many_roles"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input.idempotency_key_reused"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    getRole: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 12 */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The role */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Role"];
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    updateRole: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 12 */
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example helpdesk */
                    name: string;
                    /** @default  */
                    description?: string;
                    permissions: ("wireguard.read" | "wireguard.write" | "tenant.read" | "tenant.write" | "users.read" | "users.write" | "users.security" | "roles.read" | "roles.write" | "api_keys.read" | "api_keys.write" | "audit.read" | "audit.export")[];
                    /** @default false */
                    mfa_required?: boolean;
                };
            };
        };
        responses: {
            /** @description The role */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Role"];
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.grant_exceeds_own.step_up_required"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.role_name_taken.system_role"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    removeRole: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 12 */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is gone */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        removed: true;
                    };
                };
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.grant_exceeds_own"];
            404: components["responses"]["404.not_found"];
            409: components["responses"]["409.role_in_use.system_role"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    listPermissions: {
        parameters: {
            query?: {
                /** @example 50 */
                limit?: number;
                /**
                 * @description `next_cursor` of the page before
                 * @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d
                 */
                cursor?: string;
            };
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of them, by name */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Permission"][];
                        next_cursor: string | null;
                    };
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    listTenants: {
        parameters: {
            query?: {
                /** @example 50 */
                limit?: number;
                /**
                 * @description `next_cursor` of the page before
                 * @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d
                 */
                cursor?: string;
                /** @example active */
                status?: "active" | "suspended";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of tenants */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Tenant"][];
                        next_cursor: string | null;
                    };
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    createTenant: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Repeats a creation whose answer was lost: within a day the same key with the same request creates nothing more. No secret is kept for it: one that was never used is made anew, and otherwise it is null in the answer to the repetition
                 * @example create-ada-laptop-1
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example acme */
                    slug: string;
                    name: string;
                    /** @example ada@acme.example */
                    admin_email: string;
                    /** @default  */
                    admin_name?: string;
                    /**
                     * @description The language of e-mails
                     * @default en
                     * @enum {string}
                     */
                    locale?: "en" | "fr";
                    /**
                     * @description Makes an enrolment peer, for whoever has no tunnel yet
                     * @default true
                     */
                    enrolment?: boolean;
                    /**
                     * @description `mail` sends link and tunnel file to the address and shows them to nobody; `inline` answers them, this once, and sends nothing
                     * @default inline
                     * @enum {string}
                     */
                    delivery?: "mail" | "inline";
                    /**
                     * @description The first tenant, of whoever runs the installation: its admin gets a password at once, because nobody is there to invite him
                     * @default false
                     */
                    is_platform?: boolean;
                };
            };
        };
        responses: {
            /** @description The tenant, its first admin's invitation and the enrolment peer; secrets are shown this once */
            201: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        tenant: components["schemas"]["Tenant"];
                        /** @description Null for the platform's own tenant, and in the answer to a repeated request once it was accepted or withdrawn */
                        invitation: components["schemas"]["Invitation"] | null;
                        /** @description Null where it was mailed; a repeated request answers another one, and the one before is void */
                        token: string | null;
                        link: string | null;
                        /** @description The enrolment peer, with its file unless that was mailed */
                        enrolment: components["schemas"]["ProvisionedPeer"] | null;
                        /** @description Of the platform's own tenant; null for every other */
                        admin: {
                            /** Format: int64 */
                            id: number;
                            email: string;
                            /** @description Null in the answer to a repeated request */
                            password: string | null;
                        } | null;
                    };
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.email_taken.slug_taken.overtaken.platform_exists.quota_exceeded.pool_exhausted.gateway_closed"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input.idempotency_key_reused"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded.gateway_not_ready"];
        };
    };
    getCurrentTenant: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The tenant and its settings */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CurrentTenant"];
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    updateCurrentTenant: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    wireguard?: {
                        /** @description What the client routes into the tunnel; the tenant's default, or the API and the gateway, where absent. The server routes to a peer its own address and nothing else. */
                        client_allowed_ips?: (string)[] | null;
                        dns?: (string)[] | null;
                        mtu?: number | null;
                        persistent_keepalive?: number | null;
                        /** @description Where new peers go while it is up; null for the gateway that has the most free addresses */
                        gateway_id?: number | null;
                    };
                    /** Format: int32 */
                    user_peer_quota?: number;
                    login_own_peer?: boolean;
                    /** @description Sessions that a user may have at a time; the one unused for longest ends. Null: any number */
                    session_limit?: number | null;
                    /** @description How long a session lives without being refreshed; null, and at most: the server's setting */
                    session_idle_seconds?: number | null;
                    /** @description How long a session lives at all; null, and at most: the server's setting */
                    session_lifetime_seconds?: number | null;
                    /**
                     * @description Of whom a second factor is demanded, beside the users and roles of whom it is demanded by themselves
                     * @enum {string}
                     */
                    mfa_required?: "off" | "admins" | "all";
                    /** @description A user may have a device trusted for 30 days; false takes back the trust in all, for good */
                    mfa_trusted_devices?: boolean;
                    /**
                     * @description What a new password must have. composition: 8 characters of four kinds; length: 15 of any kind
                     * @enum {string}
                     */
                    password_policy?: "composition" | "length";
                    /**
                     * @description Who may register: nobody, whoever has an open invitation, or everybody
                     * @enum {string}
                     */
                    registration?: "off" | "invite" | "open";
                };
            };
        };
        responses: {
            /** @description The tenant and its settings */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CurrentTenant"];
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.step_up_required"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded.gateway_not_ready"];
        };
    };
    getTenant: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 2 */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The tenant */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** Format: int64 */
                        id: number;
                        slug: string;
                        name: string;
                        /** @enum {string} */
                        status: "active" | "suspended";
                        is_platform: boolean;
                        /**
                         * Format: date-time
                         * @example 2026-01-31T12:00:00.000Z
                         */
                        created_at: string;
                        /** @description Addresses the tenant may hold, those of removed peers included until they have rested; the operator sets it. Null: the share of the pool that WG_TENANT_SHARE gives */
                        peer_quota: number | null;
                    };
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    deleteTenant: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 2 */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is gone */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        removed: true;
                    };
                };
            };
            /** @description Its peers are on their way out, and everything else is still there */
            202: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        removed: false;
                        /** @constant */
                        status: "revoking";
                    };
                };
            };
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.step_up_required.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            409: components["responses"]["409.platform_stays.tenant_not_suspended.overtaken"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    updateTenant: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 2 */
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    name?: string;
                    /** @description Addresses the tenant may hold, those of removed peers included until they have rested; the operator sets it. Null: the share of the pool that WG_TENANT_SHARE gives */
                    peer_quota?: number | null;
                };
            };
        };
        responses: {
            /** @description The tenant */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** Format: int64 */
                        id: number;
                        slug: string;
                        name: string;
                        /** @enum {string} */
                        status: "active" | "suspended";
                        is_platform: boolean;
                        /**
                         * Format: date-time
                         * @example 2026-01-31T12:00:00.000Z
                         */
                        created_at: string;
                        /** @description Addresses the tenant may hold, those of removed peers included until they have rested; the operator sets it. Null: the share of the pool that WG_TENANT_SHARE gives */
                        peer_quota: number | null;
                    };
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    suspendTenant: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 2 */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done, and the interface was read back without its peers */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        tenant: {
                            /** Format: int64 */
                            id: number;
                            slug: string;
                            name: string;
                            /** @enum {string} */
                            status: "active" | "suspended";
                            is_platform: boolean;
                            /**
                             * Format: date-time
                             * @example 2026-01-31T12:00:00.000Z
                             */
                            created_at: string;
                            /** @description Addresses the tenant may hold, those of removed peers included until they have rested; the operator sets it. Null: the share of the pool that WG_TENANT_SHARE gives */
                            peer_quota: number | null;
                        };
                        /** @description The interface was read back without its peers */
                        removed: boolean;
                        /** @constant */
                        status?: "revoking";
                    };
                };
            };
            /** @description Committed, but the daemon has not confirmed yet */
            202: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        tenant: {
                            /** Format: int64 */
                            id: number;
                            slug: string;
                            name: string;
                            /** @enum {string} */
                            status: "active" | "suspended";
                            is_platform: boolean;
                            /**
                             * Format: date-time
                             * @example 2026-01-31T12:00:00.000Z
                             */
                            created_at: string;
                            /** @description Addresses the tenant may hold, those of removed peers included until they have rested; the operator sets it. Null: the share of the pool that WG_TENANT_SHARE gives */
                            peer_quota: number | null;
                        };
                        /** @description The interface was read back without its peers */
                        removed: boolean;
                        /** @constant */
                        status?: "revoking";
                    };
                };
            };
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            409: components["responses"]["409.platform_stays.overtaken"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    resumeTenant: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 2 */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The tenant */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** Format: int64 */
                        id: number;
                        slug: string;
                        name: string;
                        /** @enum {string} */
                        status: "active" | "suspended";
                        is_platform: boolean;
                        /**
                         * Format: date-time
                         * @example 2026-01-31T12:00:00.000Z
                         */
                        created_at: string;
                        /** @description Addresses the tenant may hold, those of removed peers included until they have rested; the operator sets it. Null: the share of the pool that WG_TENANT_SHARE gives */
                        peer_quota: number | null;
                    };
                };
            };
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            409: components["responses"]["409.platform_stays.overtaken"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    listAuditEntries: {
        parameters: {
            query?: {
                /** @example 50 */
                limit?: number;
                /**
                 * @description `next_cursor` of the page before
                 * @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d
                 */
                cursor?: string;
                /** @example user */
                actor?: "user" | "api_key" | "operator" | "daemon" | "anonymous";
                /** @example 7 */
                actor_user_id?: number;
                /** @example peer.create */
                action?: string;
                /** @example succeeded */
                outcome?: "succeeded" | "refused" | "failed";
                /** @example peer */
                target_type?: string;
                /** @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d */
                target_id?: string;
                /**
                 * @description The peer that it came through
                 * @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d
                 */
                peer_id?: string;
                /** @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d */
                request_id?: string;
                /**
                 * @description Inclusive
                 * @example 2026-01-31T12:00:00.000Z
                 */
                from?: string;
                /**
                 * @description Exclusive
                 * @example 2026-01-31T12:00:00.000Z
                 */
                to?: string;
            };
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of entries */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["AuditEntry"][];
                        next_cursor: string | null;
                    };
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    exportAudit: {
        parameters: {
            query: {
                /** @example csv */
                format: "csv" | "ndjson";
                /** @example user */
                actor?: "user" | "api_key" | "operator" | "daemon" | "anonymous";
                /** @example 7 */
                actor_user_id?: number;
                /** @example peer.create */
                action?: string;
                /** @example succeeded */
                outcome?: "succeeded" | "refused" | "failed";
                /** @example peer */
                target_type?: string;
                /** @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d */
                target_id?: string;
                /**
                 * @description The peer that it came through
                 * @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d
                 */
                peer_id?: string;
                /** @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d */
                request_id?: string;
                /**
                 * @description Inclusive
                 * @example 2026-01-31T12:00:00.000Z
                 */
                from?: string;
                /**
                 * @description Exclusive
                 * @example 2026-01-31T12:00:00.000Z
                 */
                to?: string;
            };
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The entries there were when it began */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "text/csv": string;
                    "application/x-ndjson": string;
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.step_up_required.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    verifyAudit: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was found; look at `intact` */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditVerification"];
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    createPeersInBulk: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Repeats a creation whose answer was lost: within a day the same key with the same request creates nothing more. No secret is kept for it: one that was never used is made anew, and otherwise it is null in the answer to the repetition
                 * @example create-ada-laptop-1
                 */
                "Idempotency-Key"?: string;
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    peers: {
                        /** @example ada-laptop */
                        name: string;
                        /**
                         * @description Your own key; without it the server makes a pair and returns the private half once
                         * @example j4tuGWkb4fVgP42agHZJ5gvezYbKoUbgv3x8cLi29zs=
                         */
                        public_key?: string;
                        /** @default true */
                        preshared_key?: boolean;
                        /** @description What the client routes into the tunnel; the tenant's default, or the API and the gateway, where absent. The server routes to a peer its own address and nothing else. */
                        client_allowed_ips?: (string)[];
                        dns?: (string)[];
                        /** Format: int32 */
                        mtu?: number;
                        /** Format: int32 */
                        persistent_keepalive?: number;
                        /** Format: date-time */
                        expires_at?: string;
                        /**
                         * Format: int32
                         * @description The user it belongs to; a peer without one is a machine's
                         */
                        user_id?: number;
                    }[];
                    /**
                     * Format: int32
                     * @description Where it goes; else to the tenant's default gateway, or to the one that is up and has the most free addresses
                     */
                    gateway_id?: number;
                };
            };
        };
        responses: {
            /** @description The peers with their files, in the order of the request */
            201: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: {
                            peer: components["schemas"]["Peer"];
                            /** @description Null where the request was repeated, and the client spoke in between */
                            config: string | null;
                        }[];
                    };
                    "application/zip": string;
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            406: components["responses"]["406.not_acceptable"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.public_key_taken.quota_exceeded.pool_exhausted.gateway_closed"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input.idempotency_key_reused"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded.gateway_not_ready.gateway_down"];
        };
    };
    listPeers: {
        parameters: {
            query?: {
                /** @example 50 */
                limit?: number;
                /**
                 * @description `next_cursor` of the page before
                 * @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d
                 */
                cursor?: string;
                /** @example created_at */
                sort?: "created_at" | "-created_at" | "name" | "-name";
                /** @example 7 */
                user_id?: number;
                /** @example true */
                online?: "true" | "false";
                /** @example active */
                status?: "active" | "pending" | "disabled" | "revoking" | "expired";
                /** @example permanent */
                kind?: "permanent" | "enrolment";
                /**
                 * @description Part of the name, in any case
                 * @example ada-laptop
                 */
                q?: string;
            };
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of peers, oldest first unless sorted; those on their way out are `revoking` */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["PeerWithEndpoint"][];
                        next_cursor: string | null;
                    };
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    createPeer: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Repeats a creation whose answer was lost: within a day the same key with the same request creates nothing more. No secret is kept for it: one that was never used is made anew, and otherwise it is null in the answer to the repetition
                 * @example create-ada-laptop-1
                 */
                "Idempotency-Key"?: string;
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example ada-laptop */
                    name: string;
                    /**
                     * @description Your own key; without it the server makes a pair and returns the private half once
                     * @example j4tuGWkb4fVgP42agHZJ5gvezYbKoUbgv3x8cLi29zs=
                     */
                    public_key?: string;
                    /** @default true */
                    preshared_key?: boolean;
                    /**
                     * @description `link` answers a one-time token for the file instead of the file
                     * @default inline
                     * @enum {string}
                     */
                    delivery?: "inline" | "link";
                    /** @description What the client routes into the tunnel; the tenant's default, or the API and the gateway, where absent. The server routes to a peer its own address and nothing else. */
                    client_allowed_ips?: (string)[];
                    dns?: (string)[];
                    /** Format: int32 */
                    mtu?: number;
                    /** Format: int32 */
                    persistent_keepalive?: number;
                    /** Format: date-time */
                    expires_at?: string;
                    /**
                     * Format: int32
                     * @description Where it goes; else to the tenant's default gateway, or to the one that is up and has the most free addresses
                     */
                    gateway_id?: number;
                    /**
                     * Format: int32
                     * @description The user it belongs to; a peer without one is a machine's
                     */
                    user_id?: number;
                    /**
                     * @description `enrolment`: for at most 24 hours, and for nothing but getting a permanent peer
                     * @enum {string}
                     */
                    kind?: "permanent" | "enrolment";
                };
            };
        };
        responses: {
            /** @description The peer, its configuration and QR code */
            201: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProvisionedPeer"];
                    "text/plain": string;
                    "image/svg+xml": string;
                    "image/png": string;
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            406: components["responses"]["406.not_acceptable"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.public_key_taken.quota_exceeded.pool_exhausted.gateway_closed"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input.idempotency_key_reused"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded.gateway_not_ready.gateway_down"];
        };
    };
    getPeer: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The peer, without secrets */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PeerWithEndpoint"];
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    deletePeer: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The interface was read back without the peer */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        removed: true;
                    };
                };
            };
            /** @description Committed, but the daemon has not confirmed yet that the peer is gone */
            202: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        removed: false;
                        /** @constant */
                        status: "revoking";
                    };
                };
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            409: components["responses"]["409.overtaken"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    updatePeer: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example ada-laptop */
                    name?: string;
                    /** @description What the client routes into the tunnel; the tenant's default, or the API and the gateway, where absent. The server routes to a peer its own address and nothing else. */
                    client_allowed_ips?: (string)[] | null;
                    dns?: (string)[] | null;
                    mtu?: number | null;
                    persistent_keepalive?: number | null;
                    expires_at?: string | null;
                    /** @description The user it belongs to; a peer without one is a machine's */
                    user_id?: number | null;
                };
            };
        };
        responses: {
            /** @description The peer as it stands now */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Peer"];
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.set_by_admin"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    getPeerStats: {
        parameters: {
            query?: {
                /** @example 50 */
                limit?: number;
                /**
                 * @description `next_cursor` of the page before
                 * @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d
                 */
                cursor?: string;
            };
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As the daemon last wrote it; counters never run backwards */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PeerStats"];
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    enablePeer: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The peer as it stands now */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Peer"];
                };
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.set_by_admin"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    disablePeer: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The interface was read back without the peer */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        removed: true;
                    };
                };
            };
            /** @description Committed, but the daemon has not confirmed yet that the peer is gone */
            202: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        removed: false;
                        /** @constant */
                        status: "revoking";
                    };
                };
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            409: components["responses"]["409.overtaken"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    rotatePeer: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * @description Your own key; without it the server makes a pair and returns the private half once
                     * @example j4tuGWkb4fVgP42agHZJ5gvezYbKoUbgv3x8cLi29zs=
                     */
                    public_key?: string;
                    /** @default true */
                    preshared_key?: boolean;
                    /**
                     * @description `link` answers a one-time token for the file instead of the file
                     * @default inline
                     * @enum {string}
                     */
                    delivery?: "inline" | "link";
                    /**
                     * Format: int32
                     * @description How long the old key goes on until the new one's first handshake; then, or at the end of that time, it is dead. 0: at once, for a key that somebody else may have
                     * @default 3600
                     */
                    overlap_seconds?: number;
                };
            };
        };
        responses: {
            /** @description The peer with its new configuration and QR code */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProvisionedPeer"];
                    "text/plain": string;
                    "image/svg+xml": string;
                    "image/png": string;
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            406: components["responses"]["406.not_acceptable"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.public_key_taken"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded.gateway_not_ready"];
        };
    };
    movePeer: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * @description Your own key; without it the server makes a pair and returns the private half once
                     * @example j4tuGWkb4fVgP42agHZJ5gvezYbKoUbgv3x8cLi29zs=
                     */
                    public_key?: string;
                    /** @default true */
                    preshared_key?: boolean;
                    /**
                     * @description `link` answers a one-time token for the file instead of the file
                     * @default inline
                     * @enum {string}
                     */
                    delivery?: "inline" | "link";
                    /** Format: int32 */
                    gateway_id: number;
                };
            };
        };
        responses: {
            /** @description The peer with its new address, configuration and QR code */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProvisionedPeer"];
                    "text/plain": string;
                    "image/svg+xml": string;
                    "image/png": string;
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            406: components["responses"]["406.not_acceptable"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.already_there.overtaken.public_key_taken.quota_exceeded.pool_exhausted.gateway_closed"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded.gateway_not_ready.gateway_down"];
        };
    };
    listOwnPeers: {
        parameters: {
            query?: {
                /** @example 50 */
                limit?: number;
                /**
                 * @description `next_cursor` of the page before
                 * @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d
                 */
                cursor?: string;
                /** @example created_at */
                sort?: "created_at" | "-created_at" | "name" | "-name";
                /** @example 7 */
                user_id?: number;
                /** @example true */
                online?: "true" | "false";
                /** @example active */
                status?: "active" | "pending" | "disabled" | "revoking" | "expired";
                /** @example permanent */
                kind?: "permanent" | "enrolment";
                /**
                 * @description Part of the name, in any case
                 * @example ada-laptop
                 */
                q?: string;
            };
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of peers, oldest first unless sorted; those on their way out are `revoking` */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["PeerWithEndpoint"][];
                        next_cursor: string | null;
                    };
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    createOwnPeer: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Repeats a creation whose answer was lost: within a day the same key with the same request creates nothing more. No secret is kept for it: one that was never used is made anew, and otherwise it is null in the answer to the repetition
                 * @example create-ada-laptop-1
                 */
                "Idempotency-Key"?: string;
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example ada-laptop */
                    name: string;
                    /**
                     * @description Your own key; without it the server makes a pair and returns the private half once
                     * @example j4tuGWkb4fVgP42agHZJ5gvezYbKoUbgv3x8cLi29zs=
                     */
                    public_key?: string;
                    /** @default true */
                    preshared_key?: boolean;
                    /**
                     * @description `link` answers a one-time token for the file instead of the file
                     * @default inline
                     * @enum {string}
                     */
                    delivery?: "inline" | "link";
                    /** @description What the client routes into the tunnel; the tenant's default, or the API and the gateway, where absent. The server routes to a peer its own address and nothing else. */
                    client_allowed_ips?: (string)[];
                    dns?: (string)[];
                    /** Format: int32 */
                    mtu?: number;
                    /** Format: int32 */
                    persistent_keepalive?: number;
                    /** Format: date-time */
                    expires_at?: string;
                    /**
                     * Format: int32
                     * @description Where it goes; else to the tenant's default gateway, or to the one that is up and has the most free addresses
                     */
                    gateway_id?: number;
                };
            };
        };
        responses: {
            /** @description The peer, its configuration and QR code */
            201: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProvisionedPeer"];
                    "text/plain": string;
                    "image/svg+xml": string;
                    "image/png": string;
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            406: components["responses"]["406.not_acceptable"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.public_key_taken.quota_exceeded.pool_exhausted.gateway_closed"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input.idempotency_key_reused"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded.gateway_not_ready.gateway_down"];
        };
    };
    getOwnPeer: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The peer, without secrets */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PeerWithEndpoint"];
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    deleteOwnPeer: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The interface was read back without the peer */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        removed: true;
                    };
                };
            };
            /** @description Committed, but the daemon has not confirmed yet that the peer is gone */
            202: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        removed: false;
                        /** @constant */
                        status: "revoking";
                    };
                };
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            409: components["responses"]["409.overtaken"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    updateOwnPeer: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example ada-laptop */
                    name?: string;
                    /** @description What the client routes into the tunnel; the tenant's default, or the API and the gateway, where absent. The server routes to a peer its own address and nothing else. */
                    client_allowed_ips?: (string)[] | null;
                    dns?: (string)[] | null;
                    mtu?: number | null;
                    persistent_keepalive?: number | null;
                    expires_at?: string | null;
                };
            };
        };
        responses: {
            /** @description The peer as it stands now */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Peer"];
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.set_by_admin"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    getOwnPeerStats: {
        parameters: {
            query?: {
                /** @example 50 */
                limit?: number;
                /**
                 * @description `next_cursor` of the page before
                 * @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d
                 */
                cursor?: string;
            };
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As the daemon last wrote it; counters never run backwards */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PeerStats"];
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    enableOwnPeer: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The peer as it stands now */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Peer"];
                };
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required.set_by_admin"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    disableOwnPeer: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The interface was read back without the peer */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        removed: true;
                    };
                };
            };
            /** @description Committed, but the daemon has not confirmed yet that the peer is gone */
            202: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        removed: false;
                        /** @constant */
                        status: "revoking";
                    };
                };
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            409: components["responses"]["409.overtaken"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    rotateOwnPeer: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * @description Your own key; without it the server makes a pair and returns the private half once
                     * @example j4tuGWkb4fVgP42agHZJ5gvezYbKoUbgv3x8cLi29zs=
                     */
                    public_key?: string;
                    /** @default true */
                    preshared_key?: boolean;
                    /**
                     * @description `link` answers a one-time token for the file instead of the file
                     * @default inline
                     * @enum {string}
                     */
                    delivery?: "inline" | "link";
                    /**
                     * Format: int32
                     * @description How long the old key goes on until the new one's first handshake; then, or at the end of that time, it is dead. 0: at once, for a key that somebody else may have
                     * @default 3600
                     */
                    overlap_seconds?: number;
                };
            };
        };
        responses: {
            /** @description The peer with its new configuration and QR code */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProvisionedPeer"];
                    "text/plain": string;
                    "image/svg+xml": string;
                    "image/png": string;
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            406: components["responses"]["406.not_acceptable"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.public_key_taken"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded.gateway_not_ready"];
        };
    };
    redeemDelivery: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant; may be left out on the tunnel, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    token: string;
                    /** @example j4tuGWkb4fVgP42agHZJ5gvezYbKoUbgv3x8cLi29zs= */
                    public_key?: string;
                };
            };
        };
        responses: {
            /** @description The peer, its configuration and QR code */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProvisionedPeer"];
                    "text/plain": string;
                    "image/svg+xml": string;
                    "image/png": string;
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            403: components["responses"]["403.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            406: components["responses"]["406.not_acceptable"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.public_key_taken"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded.gateway_not_ready"];
        };
    };
    listGateways: {
        parameters: {
            query?: {
                /** @example 50 */
                limit?: number;
                /**
                 * @description `next_cursor` of the page before
                 * @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d
                 */
                cursor?: string;
            };
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of gateways, as of this moment */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Gateway"][];
                        next_cursor: string | null;
                    };
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    announceGateway: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Repeats a creation whose answer was lost: within a day the same key with the same request creates nothing more. No secret is kept for it: one that was never used is made anew, and otherwise it is null in the answer to the repetition
                 * @example create-ada-laptop-1
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example wg1 */
                    name: string;
                    /** @example vpn2.example.com:51820 */
                    endpoint: string;
                    /** @example 192.168.77.0/24 */
                    network: string;
                    /** @description A ULA /64 */
                    network6?: string;
                    /**
                     * Format: int32
                     * @default 51820
                     */
                    listen_port?: number;
                    /**
                     * Format: int32
                     * @default 1420
                     */
                    mtu?: number;
                };
            };
        };
        responses: {
            /** @description The gateway, and the settings of its daemon */
            201: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AnnouncedGateway"];
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.gateway_name_taken.network_taken.platform_missing"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input.idempotency_key_reused"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    retireGateway: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 1 */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The gateway, retired */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Gateway"];
                };
            };
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            409: components["responses"]["409.gateway_retired.gateway_in_use.platform_missing"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    changeGateway: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 1 */
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    accepts_peers: boolean;
                };
            };
        };
        responses: {
            /** @description The gateway as it stands now */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Gateway"];
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.gateway_retired.platform_missing"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    announceGatewayKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 1 */
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example YWxsIGNsaWVudHMgbmVlZCB0aGlzIGxpbmUgdGhlbi4= */
                    next_public_key: string;
                    /**
                     * Format: date-time
                     * @description The moment of the cut-over, which lies ahead
                     * @example 2030-01-31T20:00:00Z
                     */
                    at: string;
                };
            };
        };
        responses: {
            /** @description Who was told */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyAnnouncement"];
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded.gateway_not_ready"];
        };
    };
    listHeldKeys: {
        parameters: {
            query?: {
                /**
                 * @description The gateway meant; where absent, the one beside the API process that answers
                 * @example 1
                 */
                gateway_id?: number;
                /** @example 50 */
                limit?: number;
                /**
                 * @description `next_cursor` of the page before
                 * @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d
                 */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of keys, by key */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["HeldKey"][];
                        next_cursor: string | null;
                    };
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            409: components["responses"]["409.other_gateway"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded.daemon_unavailable"];
        };
    };
    releaseHeldKeys: {
        parameters: {
            query?: {
                /**
                 * @description The gateway meant; where absent, the one beside the API process that answers
                 * @example 1
                 */
                gateway_id?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    public_keys: string[];
                };
            };
        };
        responses: {
            /** @description The interface was read back without those that are `removed` */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: {
                            public_key: string;
                            /**
                             * @description `kept`: it got a row in the meantime; `not_held`: it has a row, or is not on the interface, and nothing was decided over it
                             * @enum {string}
                             */
                            state: "removed" | "revoking" | "kept" | "not_held";
                        }[];
                    };
                };
            };
            /** @description Committed; of those `revoking` the daemon has not confirmed yet */
            202: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: {
                            public_key: string;
                            /**
                             * @description `kept`: it got a row in the meantime; `not_held`: it has a row, or is not on the interface, and nothing was decided over it
                             * @enum {string}
                             */
                            state: "removed" | "revoking" | "kept" | "not_held";
                        }[];
                    };
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.platform_missing.other_gateway"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded.daemon_unavailable"];
        };
    };
    explainPeer: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As of this moment */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PeerExplanation"];
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    listReceipts: {
        parameters: {
            query?: {
                /** @example 50 */
                limit?: number;
                /**
                 * @description `next_cursor` of the page before
                 * @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d
                 */
                cursor?: string;
                /** @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d */
                peer_id?: string;
            };
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of receipts */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Receipt"][];
                        next_cursor: string | null;
                    };
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    importPeers: {
        parameters: {
            query?: {
                /**
                 * @description The gateway meant; where absent, the one beside the API process that answers
                 * @example 1
                 */
                gateway_id?: number;
            };
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    peers: {
                        /** @example ada-laptop */
                        name: string;
                        /** @example j4tuGWkb4fVgP42agHZJ5gvezYbKoUbgv3x8cLi29zs= */
                        public_key: string;
                        /** @default null */
                        preshared_key?: string | null;
                        /** @description As the other server had them for this peer */
                        allowed_ips: string[];
                    }[];
                    /**
                     * @description Gives a peer whose address cannot be kept another one; its client then needs that in its file
                     * @default false
                     */
                    renumber?: boolean;
                    /**
                     * @description Without it nothing is changed, and the answer says what would be
                     * @default false
                     */
                    apply?: boolean;
                };
            };
        };
        responses: {
            /** @description Each peer, in the order of the request */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WireGuardImport"];
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.public_key_taken.quota_exceeded.pool_exhausted.gateway_closed"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded.gateway_not_ready.gateway_down"];
        };
    };
    exportPeers: {
        parameters: {
            query?: {
                /**
                 * @description The gateway meant; where absent, the one beside the API process that answers
                 * @example 1
                 */
                gateway_id?: number;
            };
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * @description Preshared keys, too; over the operator's socket alone
                     * @default false
                     */
                    secrets?: boolean;
                };
            };
        };
        responses: {
            /** @description As the table has it */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WireGuardExport"];
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded.gateway_not_ready"];
        };
    };
    getPolicy: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The policy */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WireGuardPolicy"];
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    replacePolicy: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description Every peer of the tenant reaches every other of its gateway, on every port */
                    peer_to_peer: boolean;
                    /** @description Ports of one peer that every peer of the tenant on the same gateway reaches */
                    services: {
                        name: string;
                        /**
                         * Format: uuid
                         * @description A permanent peer of the tenant
                         */
                        peer_id: string;
                        /** @enum {string} */
                        protocol: "tcp" | "udp";
                        /** @example 443 */
                        ports: string;
                    }[];
                    /** @description Destinations outside of the tunnel that every peer of the tenant reaches; each rests on a grant, is that grant where a field is absent, and goes with it */
                    routes: {
                        /** Format: uuid */
                        grant_id: string;
                        /** @example 192.168.20.0/24 */
                        network?: string;
                        /** @enum {string} */
                        protocol?: "tcp" | "udp" | "icmp" | "any";
                        /** @example 443 */
                        ports?: string;
                    }[];
                };
            };
        };
        responses: {
            /** @description The policy; `pending` where the daemon has not confirmed */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WireGuardPolicy"];
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    listGrants: {
        parameters: {
            query?: {
                /** @example 50 */
                limit?: number;
                /**
                 * @description `next_cursor` of the page before
                 * @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d
                 */
                cursor?: string;
            };
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of grants */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["WireGuardGrant"][];
                        next_cursor: string | null;
                    };
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    createGrant: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Repeats a creation whose answer was lost: within a day the same key with the same request creates nothing more. No secret is kept for it: one that was never used is made anew, and otherwise it is null in the answer to the repetition
                 * @example create-ada-laptop-1
                 */
                "Idempotency-Key"?: string;
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    name: string;
                    /**
                     * @description Not wider than /8 (IPv6: /16), and never a tunnel's own, loopback, link-local, multicast, reserved or metadata addresses
                     * @example 192.168.20.0/24
                     */
                    network: string;
                    /** @enum {string} */
                    protocol: "tcp" | "udp" | "icmp" | "any";
                    /**
                     * @description Of TCP or UDP; every port where absent
                     * @example 443
                     */
                    ports?: string;
                };
            };
        };
        responses: {
            /** @description The grant */
            201: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WireGuardGrant"];
                };
            };
            400: components["responses"]["400.malformed_json.invalid_encoding.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            408: components["responses"]["408.request_timeout"];
            409: components["responses"]["409.grant_name_taken"];
            413: components["responses"]["413.body_too_large"];
            415: components["responses"]["415.unsupported_media_type"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input.idempotency_key_reused"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    withdrawGrant: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path: {
                /** @example 0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The kernel's rules are without it; established flows have ended */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        removed: true;
                    };
                };
            };
            /** @description Committed, but the daemon has not confirmed yet that it is closed */
            202: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        removed: false;
                        /** @constant */
                        status: "revoking";
                    };
                };
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
    getPool: {
        parameters: {
            query?: {
                /**
                 * @description The gateway meant; where absent, the one beside the API process that answers
                 * @example 1
                 */
                gateway_id?: number;
            };
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As of this moment */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AddressPool"];
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded.gateway_not_ready"];
        };
    };
    getGatewayStatus: {
        parameters: {
            query?: {
                /**
                 * @description The gateway meant; where absent, the one beside the API process that answers
                 * @example 1
                 */
                gateway_id?: number;
            };
            header?: {
                /**
                 * @description Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it
                 * @example acme
                 */
                "X-Tenant-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As of this moment */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WireGuardStatus"];
                };
            };
            /** @description Asked without credentials and without TLS, where the public origin is HTTPS */
            308: {
                headers: {
                    "X-Request-ID": components["headers"]["X-Request-ID"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.tenant_required"];
            401: components["responses"]["401.invalid_token"];
            403: components["responses"]["403.forbidden.tenant_mismatch.wrong_tunnel.enrolment_only.https_required"];
            404: components["responses"]["404.not_found"];
            421: components["responses"]["421.unknown_host"];
            422: components["responses"]["422.invalid_input"];
            429: components["responses"]["429.rate_limited"];
            500: components["responses"]["500.internal_error"];
            503: components["responses"]["503.database_unavailable.overloaded"];
        };
    };
}
