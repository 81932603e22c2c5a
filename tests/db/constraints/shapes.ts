/**
 * What one check refuses and takes, as SET lists of an update of the newest row that tests/support/seed.ts put into its
 * table: the nearest on either side of its border. What one entry sets is gone before the next.
 */
export interface Rule {
  /** Statements before each entry, where the seed's row cannot come near the border. */
  arrange?: string;
  refuses: string[];
  takes: string[];
}

/** `with_`: what has to be set beside, so that no other check is in the way. */
interface Beside {
  beside?: string;
}

const list = (column: string, values: string[], beside?: string) =>
  values.map((value) => [`${column} = ${value}`, beside].filter(Boolean).join(", "));

const bytes = (length: number) => `decode(repeat('ff', ${length}), 'hex')`;
const letters = (length: number) => `repeat('é', ${length})`;

/** Two rules of one check. */
export function both(...rules: Rule[]): Rule {
  return {
    refuses: rules.flatMap((rule) => rule.refuses),
    takes: rules.flatMap((rule) => rule.takes),
  };
}

export function octets(column: string, least: number, most: number, { beside }: Beside = {}): Rule {
  return {
    refuses: list(column, [least - 1, most + 1].map(bytes), beside),
    takes: list(column, [least, most].map(bytes), beside),
  };
}

export const sha256 = (column: string, beside: Beside = {}): Rule => octets(column, 32, 32, beside);

/** Counted in characters, not bytes. */
export function characters(column: string, least: number, most: number): Rule {
  return {
    refuses: list(column, [...(least > 0 ? [least - 1] : []), most + 1].map(letters)),
    takes: list(column, [least, most].map(letters)),
  };
}

/** As `characters`, without control characters anywhere in it. */
export function printable(column: string, least: number, most: number): Rule {
  const controls = ["\\t", "a\\n", "\\na", "a\\x7fb", "\\x1b[0m"].map((text) => `E'${text}'`);
  return both(characters(column, least, most), { refuses: list(column, controls), takes: [] });
}

export function oneOf(column: string, values: string[], { beside }: Beside = {}): Rule {
  const [first = ""] = values;
  const others = ["", "unheard-of", first.toUpperCase(), `${first} `, `${first}\n`];
  return {
    refuses: list(column, others.map((value) => `'${value}'`), beside),
    takes: list(column, values.map((value) => `'${value}'`), beside),
  };
}

export function range(column: string, least: number, most: number, { beside }: Beside = {}): Rule {
  return {
    refuses: list(column, [least - 1, most + 1].map(String), beside),
    takes: list(column, [least, most].map(String), beside),
  };
}

export function atLeast(column: string, least: number): Rule {
  return {
    refuses: list(column, [String(least - 1)]),
    takes: list(column, [String(least), "2147483647"]),
  };
}

/** At most an interval after another column; eternity is too long as well. */
export function within(column: string, interval: string, { of = "created_at" } = {}): Rule {
  const end = `${of} + interval '${interval}'`;
  return {
    refuses: list(column, [`${end} + interval '1 microsecond'`, "'infinity'"]),
    takes: list(column, [end]),
  };
}

/** After another column. */
export function after(column: string, of: string): Rule {
  return {
    refuses: list(column, [of, "'-infinity'"]),
    takes: list(column, [`${of} + interval '1 microsecond'`]),
  };
}

/** A Curve25519 or Ed25519 key in base64: 32 bytes, the last two bits of the last sextet unused. */
export function base64Key(column: string, beside: Beside = {}): Rule {
  const [a42, slash42] = ["A", "/"].map((letter) => letter.repeat(42));
  const wrong = [
    `${a42}A`,
    `${a42}B=`,
    `${a42}AA=`,
    `${a42}=`,
    `${a42}A=\n`,
    ` ${a42}=`,
    `-${a42}=`,
  ];
  return {
    refuses: list(column, wrong.map((key) => `'${key}'`), beside.beside),
    takes: list(column, [`'${a42}A='`, `'${slash42}8='`], beside.beside),
  };
}

/** Texts in quotes, those that a pattern refuses and those that it takes. */
export function pattern(
  column: string,
  refuses: string[],
  takes: string[],
  { beside }: Beside = {},
): Rule {
  const quoted = (texts: string[]) => list(column, texts.map((text) => `'${text}'`), beside);
  return { refuses: quoted(refuses), takes: quoted(takes) };
}
