export interface Argon2Parameters {
  /** KiB. */
  memoryCost: number;
  /** Passes over it. */
  timeCost: number;
  /** Lanes. */
  parallelism: number;
}

/** The least that OWASP names for Argon2id: 19 MiB, two passes, one lane; the configuration goes no lower. */
export const leastArgon2: Argon2Parameters = { memoryCost: 19456, timeCost: 2, parallelism: 1 };

/** What is used unless told: RFC 9106, 4 has passes added to the memory that can be spared, for the time a log-in may take. */
export const usualArgon2: Argon2Parameters = { ...leastArgon2, timeCost: 5 };
