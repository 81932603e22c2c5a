/** Of MassaCorp, all its processes. */
export const version = "0.1.0";
