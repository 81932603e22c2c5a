export interface Argon2Parameters {
  /** KiB. */
  memoryCost: number;
  /** Passes over it. */
  timeCost: number;
  /** Lanes. */
  parallelism: number;
}

/** OWASP's first choice for Argon2id: 19 MiB, two passes, one lane; the configuration goes no lower. */
export const leastArgon2: Argon2Parameters = { memoryCost: 19456, timeCost: 2, parallelism: 1 };
