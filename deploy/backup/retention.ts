/** How many days, weeks and months keep their newest backup. */
export interface Keep {
  days: number;
  weeks: number;
  months: number;
}

/** `massacorp-20261128T082015Z.tar.age`. */
export function backupName(at: Date): string {
  return `massacorp-${at.toISOString().replace(/[-:]|\.\d{3}/g, "")}.tar.age`;
}

const form = /^massacorp-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\.tar\.age$/;

/** When a backup was made, by its name; undefined for any other file, which is never touched. */
export function backupTime(name: string): Date | undefined {
  const [, ...parts] = form.exec(name) ?? [];
  if (parts.length === 0) return undefined;
  const [y, mo, d, h, mi, s] = parts;
  const at = new Date(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
  return Number.isNaN(at.getTime()) ? undefined : at;
}

/**
 * The backups that nothing keeps. Counted in days, weeks and months that have one, not from today on: a clock that
 * jumps, or a machine that was off, takes none away. The newest is always kept.
 */
export function pastRetention(names: readonly string[], keep: Keep): string[] {
  const newestFirst = names.flatMap((name) => {
    const at = backupTime(name);
    return at ? [{ name, at }] : [];
  }).sort((a, b) => b.at.getTime() - a.at.getTime());
  const kept = new Set(newestFirst.slice(0, 1).map(({ name }) => name));
  const rules: [number, (at: Date) => string][] = [
    [keep.days, (at) => at.toISOString().slice(0, 10)],
    [keep.weeks, monday],
    [keep.months, (at) => at.toISOString().slice(0, 7)],
  ];
  for (const [count, period] of rules) {
    const seen = new Set<string>();
    for (const { name, at } of newestFirst) {
      if (seen.size >= count && !seen.has(period(at))) break;
      if (!seen.has(period(at))) kept.add(name);
      seen.add(period(at));
    }
  }
  return newestFirst.map(({ name }) => name).filter((name) => !kept.has(name));
}

function monday(at: Date): string {
  const day = new Date(at);
  day.setUTCDate(at.getUTCDate() - (at.getUTCDay() + 6) % 7);
  return day.toISOString().slice(0, 10);
}
